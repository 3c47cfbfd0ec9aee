import type { Page } from "playwright-core";

interface AxNode {
  nodeId: string;
  childIds?: string[];
  ignored: boolean;
  role?: { value?: unknown };
  name?: { value?: unknown };
  properties?: { name: string; value: { value?: unknown } }[];
}

export interface AxEntry {
  role: string;
  name: string;
  level: number;
}

/** What a screen reader is given, in the order of the page. */
export async function accessibilityTree(page: Page): Promise<AxEntry[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = (await session.send("Accessibility.getFullAXTree")) as { nodes: AxNode[] };
  await session.detach();
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  // Chromium gives it level by level.
  const read = (node: AxNode): AxNode[] => [
    node,
    ...(node.childIds ?? []).flatMap((id) => {
      const child = byId.get(id);
      return child === undefined ? [] : read(child);
    }),
  ];
  return nodes
    .slice(0, 1)
    .flatMap(read)
    .filter(({ ignored }) => !ignored)
    .map(({ role, name, properties }) => ({
      role: String(role?.value ?? ""),
      name: String(name?.value ?? "").trim(),
      level: Number(properties?.find((property) => property.name === "level")?.value.value ?? 0),
    }));
}

const NEEDS_NAME = new Set([
  "button",
  "link",
  "textbox",
  "searchbox",
  "combobox",
  "heading",
  "region",
  "dialog",
  "table",
]);

/** Of the hub's page. */
const LANDMARKS = ["banner", "main", "status", "table", "columnheader", "rowheader", "list"];

/** What keeps a person who does not see the page from using it. */
export function faultsOf(tree: readonly AxEntry[], landmarks: readonly string[] = LANDMARKS): string[] {
  const nameless = tree
    .filter(({ role, name }) => NEEDS_NAME.has(role) && name === "")
    .map(({ role }) => `${role} without a name`);
  const levels = tree.filter(({ role }) => role === "heading").map(({ level }) => level);
  const skipped = levels
    .filter((level, index) => level > (levels[index - 1] ?? 0) + 1)
    .map((level) => `a heading skips to level ${level}`);
  const firsts = levels.filter((level) => level === 1).length;
  const roles = new Set(tree.map(({ role }) => role));
  const missing = landmarks.filter((role) => !roles.has(role));
  return [
    ...nameless,
    ...skipped,
    ...(firsts === 1 ? [] : [`${firsts} headings of level 1`]),
    ...missing.map((role) => `no ${role}`),
  ];
}
