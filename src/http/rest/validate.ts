import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { type FieldProblem, Refusal } from '../../core/refusal.ts'

const WHOLE_NUMBER = /^-?\d{1,15}$/

/**
 * Checks bodies, paths and queries against their TypeBox schemas and refuses `invalid_input`,
 * naming every field that is wrong. Nothing is converted but whole numbers and booleans of a query,
 * and nothing is dropped.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(schema)
  return (given: unknown) => {
    const value = httpPart === 'querystring' ? readQuery(schema, given) : given
    const fields = compiled.Check(value)
      ? httpPart === 'body'
        ? []
        : nullBytes(value)
      : fieldProblems(compiled.Errors(value))
    if (fields.length === 0) return { value }
    const part = httpPart === 'querystring' ? 'query' : httpPart
    const detail = `The request ${part} failed validation.`
    return { error: new Refusal('invalid_input', { detail, fields }) }
  }
}

/** A `not_found` for what cannot be a name in a path, of an error that Fastify hands on. */
export function namesNothing(error: unknown): Refusal | undefined {
  const { validationContext } = error as { validationContext?: unknown }
  return validationContext === 'params' ? new Refusal('not_found') : undefined
}

/** Text that no column could hold. What bodies bring is checked by the operations. */
function nullBytes(value: unknown): FieldProblem[] {
  return Object.entries(value as Record<string, unknown>)
    .filter(([, text]) => typeof text === 'string' && text.includes('\0'))
    .map(([name]) => ({
      pointer: `/${pointerName(name)}`,
      detail: 'contains a null byte',
      code: 'invalid_value',
    }))
}

function readQuery(schema: TSchema, given: unknown): unknown {
  const properties: Record<string, { type?: string }> =
    (schema as { properties?: Record<string, { type?: string }> }).properties ?? {}
  const entries = Object.entries(given as Record<string, unknown>)
  return Object.fromEntries(
    entries.map(([name, text]) => [name, readValue(properties[name]?.type, text)]),
  )
}

function readValue(type: string | undefined, text: unknown): unknown {
  if (typeof text !== 'string') return text
  if (type === 'integer' && WHOLE_NUMBER.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly params: unknown
  readonly message: string
}

/** One problem for each place: the first that was found there. */
function fieldProblems(errors: readonly SchemaError[]): FieldProblem[] {
  const found = new Map<string, FieldProblem>()
  for (const error of errors) {
    for (const problem of problemsOf(error)) {
      if (!found.has(problem.pointer)) found.set(problem.pointer, problem)
    }
  }
  return [...found.values()]
}

function problemsOf({ keyword, instancePath, params, message }: SchemaError): FieldProblem[] {
  const named = params as {
    requiredProperties?: readonly string[]
    additionalProperties?: readonly string[]
    allowedValues?: readonly unknown[]
  }
  const each = (names: readonly string[] = [], detail: string, code: FieldProblem['code']) =>
    names.map((name) => ({ pointer: `${instancePath}/${pointerName(name)}`, detail, code }))
  switch (keyword) {
    case 'required':
      return each(named.requiredProperties, 'is required', 'missing_required')
    case 'additionalProperties':
      return each(named.additionalProperties, 'is not a known field', 'unknown_field')
    // The place where an unknown field stands; the line above names it.
    case 'boolean':
      return []
    case 'type':
      return [{ pointer: instancePath, detail: message, code: 'invalid_type' }]
    case 'maxItems':
      return [{ pointer: instancePath, detail: message, code: 'too_many_items' }]
    case 'enum': {
      const detail = `must be one of: ${named.allowedValues?.join(', ')}`
      return [{ pointer: instancePath, detail, code: 'invalid_value' }]
    }
    default:
      return [{ pointer: instancePath, detail: message, code: 'invalid_value' }]
  }
}

/** A name within a JSON pointer (RFC 6901). */
function pointerName(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
