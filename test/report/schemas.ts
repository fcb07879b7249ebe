import { readFileSync } from 'node:fs'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { Ajv2020 } from 'ajv/dist/2020.js'

const names = ['facts', 'verdict', 'summary', 'report'] as const
export type SchemaName = (typeof names)[number]

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true })
for (const name of names) {
  const file = new URL(`../../src/report/schema/${name}.schema.json`, import.meta.url)
  ajv.addSchema(JSON.parse(readFileSync(file, 'utf8')) as object)
}

export function schemaOf(name: SchemaName): ValidateFunction {
  const validate = ajv.getSchema(`urn:git-signet:${name}:1`)
  if (validate === undefined) throw new Error(`no schema ${name}`)
  return validate
}

/** What the shipped schema finds wrong with a value; empty when it is valid. */
export function problems(name: SchemaName, value: unknown): string[] {
  const validate = schemaOf(name)
  validate(value)
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`)
}
