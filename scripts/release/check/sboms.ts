// Validates the bills of materials against the schema of CycloneDX, with the validator of CycloneDX's own library.

import { mkdirSync, writeFileSync } from "node:fs";

import { $ } from "bun";

/** From the npm registry. They are not in the lock file, because nothing else needs them. */
const VALIDATOR = [
  "@cyclonedx/cyclonedx-library@10.3.0",
  "ajv@8.20.0",
  "ajv-formats@3.0.1",
  "ajv-formats-draft2019@1.6.1",
];

const PROGRAM = `
  import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
  import { readFileSync } from "node:fs";
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  const files = process.argv.slice(2);
  let bad = 0;
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const error = await validator.validate(text);
    if (error !== null) console.log(file, JSON.stringify(error), bad++);
    // A validator that accepts everything would prove nothing.
    if ((await validator.validate(text.replace('"type": "application"', '"type": "nonsense"'))) === null) {
      console.log(file, "is accepted with nonsense in it", bad++);
    }
  }
  process.exitCode = bad === 0 && files.length > 0 ? 0 : 1;
`;

/**
 * @param scratch  an existing directory
 * @throws Error  a file does not conform to the schema
 */
export async function checkSboms(files: readonly string[], scratch: string): Promise<string> {
  const dir = `${scratch}/cyclonedx`;
  mkdirSync(dir);
  writeFileSync(`${dir}/package.json`, '{"private":true,"type":"module"}');
  writeFileSync(`${dir}/validate.js`, PROGRAM);
  await $`npm install --ignore-scripts --no-audit --no-fund ${VALIDATOR}`.cwd(dir).quiet();
  const ran = await $`node validate.js ${files}`.cwd(dir).quiet().nothrow();
  if (ran.exitCode !== 0) throw new Error(`${ran.stdout}${ran.stderr}`);
  return `${files.length} files conform to CycloneDX 1.6`;
}
