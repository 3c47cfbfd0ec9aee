import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../../../agent/apply/connect.ts";
import { kubeContract } from "../../contract/kube/suite.ts";
import { startLabCluster } from "./cluster.ts";

kubeContract("the lab's API server", async () => {
  const forbid = [{ user: "stranger", verb: "*", resource: "*" }];
  const cluster = await startLabCluster({ token: "agent", users: { stranger: "stranger" }, forbid });
  const folder = await mkdtemp(join(tmpdir(), "skerry-lab-"));
  const asUser = async (user: string) => {
    const tokenFile = join(folder, user);
    await writeFile(tokenFile, user);
    return connect({ server: cluster.server, tokenFile });
  };
  const agent = await asUser("agent");
  const namespace = "contract";
  const options = { manager: "test", force: false, dryRun: false };
  await agent.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, options);
  return {
    connect: asUser,
    namespace,
    expired: async () => {
      const kind = { apiVersion: "v1", kind: "ConfigMap" };
      const { resourceVersion } = await agent.list(kind, { namespace });
      cluster.forgetHistory();
      return { kind, resourceVersion };
    },
    cleanup: async () => {
      agent.close();
      await cluster.stop();
      await rm(folder, { recursive: true });
    },
  };
});
