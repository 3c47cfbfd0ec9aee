import { mqttLink } from "../../../agent/link/mqtt.ts";
import { embeddedBroker } from "../../../hub/broker/embedded.ts";
import { memoryNet } from "../../support/bus.ts";
import { type Cable, cable } from "./cable.ts";
import { clock, FAST, quiet, text } from "./hearing.ts";
import { type BusLab, busContract } from "./suite.ts";

const fleet = "harbour";
const allows = (site: string): boolean => site === "pos-1" || site === "pos-2";

busContract("memory", async (): Promise<BusLab> => {
  const net = memoryNet({ fleet, allows });
  return {
    bus: async (events) => net.start(events),
    connect: (site, events) =>
      net.link({ site, clock: clock(), random: Math.random, backoff: FAST, will: text(`offline ${site}`) }, events),
    cut: (site) => net.cut(site),
    end: async () => undefined,
  };
});

busContract("TCP: MQTT client and embedded broker", async (): Promise<BusLab> => {
  const cables = new Map<string, Cable>();
  let port = 0;
  for (const site of ["pos-1", "pos-2", "pos-9"]) cables.set(site, await cable(() => port));
  return {
    async bus(events) {
      const bus = await embeddedBroker({ host: "127.0.0.1", port, fleet, allows, log: quiet }, events);
      port = Number(new URL(bus.url).port);
      return bus;
    },
    connect: (site, events) =>
      mqttLink(
        {
          url: `mqtt://127.0.0.1:${cables.get(site)?.port}`,
          fleet,
          site,
          clock: clock(),
          random: Math.random,
          backoff: FAST,
          will: text(`offline ${site}`),
          keepaliveSeconds: 60,
        },
        events,
      ),
    cut: (site) => cables.get(site)?.cut(),
    async end() {
      await Promise.all([...cables.values()].map((each) => each.end()));
    },
  };
});
