import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readAccess } from "../../../shared/node/web-access.ts";
import { fileInFolder } from "../../support/data-folder.ts";
import { thrownBy } from "../../support/thrown.ts";

function fileWith(name: string, text: string): string {
  const file = fileInFolder(name);
  writeFileSync(file, text);
  return file;
}

it("reads a password without its line's end, a token without any white space, and a CA as it is", () => {
  const passwordFile = fileWith("password", " two words \n");
  expect(readAccess({ user: "site", passwordFile })).toEqual({
    auth: { basic: { user: "site", password: " two words " } },
  });
  expect(readAccess({ tokenFile: fileWith("token", "abc\n") })).toEqual({ auth: { bearer: "abc" } });
  expect(readAccess({ caFile: fileWith("ca.pem", "PEM\n") })).toEqual({ ca: "PEM\n" });
  expect(readAccess({})).toEqual({});
});

it("names a file that cannot be read", () => {
  expect(thrownBy(() => readAccess({ tokenFile: "/nowhere/token" }))).toMatchObject({
    code: "config",
    where: "/nowhere/token",
  });
});
