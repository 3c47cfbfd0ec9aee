/**
 * The preset dictionary with which bodies on the wire are deflated: what messages have in common, in the key order of
 * canonical JSON. It is part of the protocol version and never changes within one: both sides must hold the same bytes.
 * It is therefore written out here, not derived from schemas or lists of codes, which may grow. Deflate reaches near text
 * with fewer bits than far text, so the most frequent message, a report, stands last.
 */

const CODES_1 =
  "malformed schema unsupported too-large threshold root-chain fleet undelegated rushed rollback floor equivocation" +
  " future privilege image assignment sender variable config usage busy internal storage unreachable not-found kube" +
  " scope requires digest signature key record ";

const OBJECTS_1 =
  "v1 ConfigMap v1 Secret v1 Service v1 ServiceAccount v1 PersistentVolumeClaim batch/v1 CronJob batch/v1 Job " +
  "networking.k8s.io/v1 Ingress apps/v1 DaemonSet apps/v1 StatefulSet apps/v1 Deployment ";

const TRUST_1 =
  '{"record":{"body":"{\\"bundles\\":[\\"","signatures":{"-----BEGIN SSH SIGNATURE-----\\n' +
  'U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg\\n-----END SSH SIGNATURE-----\\n"}},"roots":[{"body":"{\\"bundles\\":[{' +
  '\\"createdAt\\":\\"\\"epoch\\":1,\\"fleet\\":\\"\\"keys\\":[\\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI\\"namespaces\\":' +
  '[\\"\\"pattern\\":\\"\\"threshold\\":1\\"roles\\":{\\"assign\\":\\"root\\":\\"site\\":"}],"site":"';

const ASK_1 =
  '{"boot":"","id":"{"deadline":"2026-01-01T00:00:00Z","id":"","what":"diagnostics"}"what":"diff"}"what":"sync"}' +
  '{"agent":"0.1.0","assignment":[1,1],"boot":"","event":0,"record":1,"report":0,"root":1}';

const EVENT_1 =
  '"kind":"started"}"kind":"assigned"}"kind":"source","kind":"pruned","kind":"drift","kind":"refused",' +
  '"kind":"reverting"}"kind":"reverted"}"kind":"failed","number":,"object":"","words":"' +
  '{"boot":"","events":[{"at":"2027-01-01T00:00:00Z","bundle":"","code":"","digest":"","kind":"applying","number":1},' +
  '{"at":"2026-10-01T00:00:00Z","bundle":"","digest":"","kind":"committed","number":1}]}';

const ASSIGN_1 =
  '{"boot":"","expires":"2026-01-01T00:00:00Z","fleet":"","items":[{"back":true,"bundle":"","digest":"","mode":"prepare",' +
  '"notBefore":"2026-","pair":[1,1],"record":1,"reportEvery":"60s","retry":true,"run":"","values":{},"version":"1.0.0",' +
  '"wave":"canary"},{"bundle":"","digest":"","mode":"run","pair":[1,1],"record":1,"run":"","values":{},"version":"1.0.0",' +
  '"wave":"first"}],"number":1,"root":1,"site":"","term":1}{"boot":"","event":1,"full":true,"report":1}';

const REPORT_1 =
  '"held":"","refused":[{"bundle":"","code":"","digest":""}],"failed":{"code":"health","digest":""},"jobs":[""],' +
  '"prepared":[{"bundle":"","code":"","diff":"","digest":"","record":1,"values":""}],"waitingOn":"","state":"stuck","state":"failed",' +
  '"state":"reverting","state":"reverted","state":"applying","state":"verifying","synced":false}' +
  '{"assignment":[1,1],"at":"2027-01-01T00:00:00Z","boot":"","head":1,"items":[{"bundle":"","digest":"","healthyFor":0,' +
  '"marks":[[1,1],[1,1]],"objects":{"drifted":0,"healthy":1,"total":1},"previous":"","record":1,' +
  '"since":"2027-01-01T00:00:00Z","state":"committed","values":""},{"bundle":"' +
  '{"assignment":[1,1],"at":"2026-10-01T00:00:00Z","boot":"","head":1,"items":[{"bundle":"' +
  '","digest":"","healthyFor":0,"marks":[[1,1],[1,1]],"objects":{"drifted":0,"healthy":1,"total":1},"previous":"",' +
  '"record":1,"since":"2026-10-01T00:00:00Z","state":"committed","values":""}],"number":1,"record":1,"root":1,"synced":true}' +
  '{"at":"2026-10-01T00:00:00Z","base":{"number":1,"state":""},"items":[{"bundle":"","healthyFor":0,"objects":{"drifted":0,' +
  '"healthy":1,"total":1},"since":"2026-10-01T00:00:00Z","state":"committed"}],"number":1}';

const DICTIONARIES = { 1: CODES_1 + OBJECTS_1 + TRUST_1 + ASK_1 + EVENT_1 + ASSIGN_1 + REPORT_1 } as const;

/** ASCII text, the dictionary of messages under `skerry/<version>/`. */
export function protocolDictionary(version: keyof typeof DICTIONARIES): string {
  return DICTIONARIES[version];
}
