import { AppError } from "../../shared/errors.ts";
import { name, version } from "../../shared/names.ts";

/** `NAME@VERSION`, as people name a version of a bundle. Throws `usage`. */
export function parseVersion(which: string): [name: string, version: string] {
  const [bundle = "", wanted = "", more] = which.split("@");
  if (more === undefined && name.safeParse(bundle).success && version.safeParse(wanted).success) {
    return [bundle, wanted];
  }
  throw new AppError("usage", `${which} is no version of a bundle`, { fix: "write NAME@VERSION, as in pos@1.4.2" });
}
