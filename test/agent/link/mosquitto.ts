import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { connectAsync } from "mqtt";
import { describe, expect, it, vi } from "vitest";
import { mqttLink } from "../../../agent/link/mqtt.ts";
import { clock, FAST, hearing, text } from "../../contract/bus/hearing.ts";

/**
 * The link against a broker that is not ours. Fails where mosquitto is not installed: whoever asks for the leg wants
 * it run.
 */
export function mosquittoLeg(): void {
  describe("MQTT link and a real mosquitto", () => {
    it("connects, publishes, hears what is retained, leaves its will, and finds the broker again", async () => {
      const folder = await mkdtemp(join(tmpdir(), "skerry-mosquitto-"));
      const port = await freePort();
      const config = join(folder, "mosquitto.conf");
      await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
      let broker = await start(config, port);
      const dial = (site: string) => {
        const heard = hearing();
        const options = { fleet: "harbour", site, clock: clock(), random: Math.random, backoff: FAST };
        const url = `mqtt://127.0.0.1:${port}`;
        return { heard, link: mqttLink({ ...options, url, will: text("offline"), keepaliveSeconds: 60 }, heard) };
      };
      const { link, heard } = dial("pos-1");
      // Plain mosquitto has no topic rules, so the link itself can stand in for the hub.
      try {
        await vi.waitFor(() => expect(link.connected).toBe(true), { timeout: 5000 });
        await link.publish("up/report", text("r1"));
        await link.publish("down/assign", text("a1"), { retain: true });
        await vi.waitFor(() => expect(heard.said()).toEqual(["down/assign a1"]));
        const watcher = await connectAsync(`mqtt://127.0.0.1:${port}`);
        const presence: string[] = [];
        watcher.on("message", (topic, frame) => presence.push(`${topic} ${frame}`));
        await watcher.subscribeAsync("skerry/1/harbour/+/presence");
        const later = dial("pos-2");
        await vi.waitFor(() => expect(later.link.connected).toBe(true));
        await later.link.close();
        await vi.waitFor(() => expect(presence).toEqual(["skerry/1/harbour/pos-2/presence offline"]));
        await watcher.endAsync(true);
        await stop(broker);
        await vi.waitFor(() => expect(link.connected).toBe(false));
        broker = await start(config, port);
        await vi.waitFor(() => expect(link.connected).toBe(true), { timeout: 5000 });
      } finally {
        await link.close();
        await stop(broker);
        await rm(folder, { recursive: true });
      }
    }, 30_000);
  });
}

async function start(config: string, port: number): Promise<ChildProcess> {
  // Distributions put it where only root looks.
  const env = { ...process.env, PATH: `${process.env["PATH"]}${delimiter}/usr/sbin` };
  const broker = spawn("mosquitto", ["-c", config], { env, stdio: "ignore" });
  await once(broker, "spawn");
  await vi.waitFor(
    async () => {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
    },
    { timeout: 5000 },
  );
  return broker;
}

async function stop(broker: ChildProcess): Promise<void> {
  if (broker.exitCode !== null || broker.signalCode !== null) return;
  const exited = once(broker, "exit");
  broker.kill();
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
