import { type CelProgram, celObject, evaluate } from "../../shared/cel.ts";
import { inWords } from "../../shared/errors.ts";
import { HEALTHY, type Verdict } from "../../shared/health.ts";
import type { KubeObject } from "../../shared/live.ts";
import { progressing } from "./status.ts";

/** Characters of a rule in words for people: a report has 200 for them and the object's name. */
const SHOWN = 80;

/**
 * By a health rule of its bundle. A rule without an answer is not yet met: most have none while a field that they read is not
 * there. The deadline of the bundle ends the wait.
 */
export function byRule(rule: CelProgram, object: KubeObject): Verdict {
  const answer = answerOf(rule, object);
  if (answer === true) return HEALTHY;
  const source = rule.source.replaceAll(/\s+/g, " ").trim();
  const words = `does not meet its health rule \`${source.length > SHOWN ? `${source.slice(0, SHOWN)}...` : source}\``;
  return progressing(answer === false ? words : `${words}: ${answer}`);
}

function answerOf(rule: CelProgram, object: KubeObject): boolean | string {
  const { managedFields: _, ...metadata } = object.metadata;
  try {
    const result = evaluate(rule, celObject({ ...object, metadata: { ...metadata, name: object.metadata.name } }));
    // Between quotes are values of the object.
    return typeof result === "boolean" ? result : result.why.replaceAll(/"[^"]*"?/g, '"..."');
  } catch (error) {
    return inWords(error);
  }
}
