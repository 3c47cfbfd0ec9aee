import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { connect } from "../../../agent/apply/connect.ts";
import { startLabCluster } from "../../lab/kube/cluster.ts";
import { CONFIG_MAP, OURS } from "./objects.ts";
import { kubeContract } from "./suite.ts";

const STRANGER = { user: "stranger", verb: "*", resource: "*" };

kubeContract("the lab's API server", async () => {
  const lab = await startLabCluster({ users: { "stranger-token": "stranger" }, forbid: [STRANGER] });
  const folder = await mkdtemp(path.join(os.tmpdir(), "skerry-kube-"));
  const { server } = lab;
  const connectWith = async (token: string) => {
    const tokenFile = path.join(folder, token);
    await writeFile(tokenFile, token);
    return await connect({ server, tokenFile });
  };
  const agent = await connectWith(lab.token);
  const namespace = "kube-contract";
  await agent.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, OURS);
  return {
    namespace,
    connect: (as) => connectWith(as === "agent" ? lab.token : "stranger-token"),
    expired: async () => {
      const { resourceVersion } = await agent.list(CONFIG_MAP, { namespace });
      lab.forgetHistory();
      return { kind: CONFIG_MAP, resourceVersion };
    },
    cleanup: async () => {
      agent.close();
      await lab.stop();
      await rm(folder, { recursive: true });
    },
  };
});
