import { AppError } from "../errors.ts";
import { isMap, type KubeObject, member } from "../live.ts";

/**
 * A Secret's `stringData` as `data`, over what stands there, as the server merges it. `stringData` never appears in a live object: we would own a
 * field that is never seen, and a key that left it would stay. Throws `schema` for a value that is no text.
 */
export function withoutStringData(object: KubeObject, path: string): KubeObject {
  const { stringData, ...rest } = object;
  if (object.kind !== "Secret" || object.apiVersion !== "v1" || stringData === undefined) return object;
  const encoded = Object.entries(isMap(stringData) ? stringData : {}).map(([key, text]): [string, string] => {
    if (typeof text === "string") return [key, Buffer.from(text).toString("base64")];
    throw new AppError("schema", "must be text", { where: `files/${path} /stringData/${key}`, fix: "quote it" });
  });
  return { ...rest, data: Object.fromEntries([...Object.entries(member(object, "data")), ...encoded]) } as KubeObject;
}
