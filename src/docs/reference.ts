import {
  HTTP_METHODS,
  type HttpMethod,
  type JsonSchema,
  type OpenApiDocument,
  type OpenApiOperation,
  type OpenApiResponse,
  type Reference as SchemaReference,
} from '../lib/openapi-document.ts'
import { curlOf } from './curl.ts'
import { type FieldRow, fieldRows, resolve, sampleOf, typeText } from './shape.ts'

/** A document as people read it: one entry for each route or action. */
export interface Reference {
  /** The last part of its addresses: `/docs/<name>`, `/openapi/<name>.json`. */
  readonly name: string
  readonly title: string
  readonly summary: string
  readonly description: string
  readonly groups: readonly { readonly title: string; readonly entries: readonly Entry[] }[]
}

export interface Entry {
  readonly id: string
  readonly title: string
  /** `POST /api/v2`. */
  readonly address: string
  readonly description: string
  readonly requests: readonly EntryRequest[]
  readonly answers: readonly EntryAnswer[]
  readonly errors: readonly EntryError[]
}

export interface EntryRequest {
  readonly title: string
  readonly description: string
  readonly fields: readonly FieldRow[]
  readonly curl: string
}

export interface EntryAnswer {
  readonly status: string
  /** Empty where the example says it all. */
  readonly description: string
  /** JSON to look at; undefined where nothing or no JSON is answered. */
  readonly example: unknown
  readonly fields: readonly FieldRow[]
}

export interface EntryError {
  readonly status: string
  readonly text: string
  readonly when: string
  /** Its page is `/errors/<code>`. */
  readonly code?: string
}

/** What `document` says, with curl lines that ask `origin`. */
export function readReference(name: string, document: OpenApiDocument, origin: string): Reference {
  const groups = new Map<string, Entry[]>()
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of HTTP_METHODS) {
      const operation = item[method]
      if (operation === undefined) continue
      const at = { document, origin, method, path }
      const entries =
        operation['x-actions'] === undefined
          ? [routeEntry(at, operation)]
          : actionEntries(at, operation)
      const group = operation['x-actions'] === undefined ? (operation.tags?.[0] ?? '') : 'Actions'
      groups.set(group, [...(groups.get(group) ?? []), ...entries])
    }
  }
  const { title, summary, description } = document.info
  return {
    name,
    title,
    summary,
    description,
    groups: [...groups].map(([group, entries]) => ({ title: group, entries })),
  }
}

interface Place {
  readonly document: OpenApiDocument
  readonly origin: string
  readonly method: HttpMethod
  readonly path: string
}

function routeEntry(at: Place, operation: OpenApiOperation): Entry {
  const { document, path } = at
  const parameters = operation.parameters ?? []
  const body = operation.requestBody?.content['application/json']?.schema
  const fields = [
    ...parameters.map((parameter) => ({
      name: parameter.name,
      type: `${typeText(document, parameter.schema)}, in the ${parameter.in}`,
      required: parameter.required,
      description: [parameter.description, limitsOf(parameter.schema)].filter(Boolean).join(' · '),
    })),
    ...(body === undefined ? [] : fieldRows(document, body)),
  ]
  const all = Object.entries(operation.responses).map(
    ([status, response]) => [status, responseOf(document, response)] as const,
  )
  return {
    id: operation.operationId,
    title: operation.summary,
    address: `${at.method.toUpperCase()} ${path}`,
    description: operation.description ?? '',
    requests: [
      {
        title: 'Fields',
        description: '',
        fields,
        curl: curlOf({
          url: at.origin + path,
          method: at.method,
          ...(operation.security?.length === 0 ? {} : { auth: authOf(operation) }),
          ...(body === undefined ? {} : { json: requiredOf(document, body) }),
        }),
      },
    ],
    answers: all
      .filter(([status]) => /^[23]/.test(status))
      .map(([status, response]) => routeAnswer(document, status, response)),
    errors: all
      .filter(([status]) => /^[45]/.test(status))
      .map(([status, { description }]) => ({
        status: status.toLowerCase(),
        text: '',
        when: description,
      })),
  }
}

function authOf(operation: OpenApiOperation): 'bearer' | 'customer' | 'cookie' {
  const accepts = (scheme: string) => operation.security?.some((one) => scheme in one) ?? false
  if (accepts('customerKey')) return 'customer'
  return accepts('operatorKey') ? 'bearer' : 'cookie'
}

function limitsOf(schema: JsonSchema): string {
  const { minimum, maximum, enum: choices, default: otherwise } = schema
  return [
    choices?.map((choice) => `\`${String(choice)}\``).join(', '),
    minimum !== undefined && maximum !== undefined && `${minimum} to ${maximum}`,
    otherwise !== undefined && `default ${JSON.stringify(otherwise)}`,
  ]
    .filter(Boolean)
    .join(' · ')
}

/** A body as its example has it, else with what must be in it, or with everything. */
function requiredOf(document: OpenApiDocument, given: JsonSchema): unknown {
  const schema = resolve(document, given)
  const sample = sampleOf(document, schema) as Record<string, unknown>
  const required = schema.required ?? []
  if (required.length === 0 || schema.examples !== undefined) return sample
  return Object.fromEntries(Object.entries(sample).filter(([name]) => required.includes(name)))
}

function routeAnswer(
  document: OpenApiDocument,
  status: string,
  response: OpenApiResponse,
): EntryAnswer {
  const schema = response.content?.['application/json']?.schema
  return {
    status,
    description: schema === undefined ? response.description : '',
    example: schema && sampleOf(document, schema),
    fields: schema === undefined ? [] : fieldRows(document, schema),
  }
}

function responseOf(
  document: OpenApiDocument,
  response: OpenApiResponse | SchemaReference,
): OpenApiResponse {
  if (!('$ref' in response)) return response
  const found = document.components.responses?.[response.$ref.split('/').at(-1) ?? '']
  if (found === undefined) throw new Error(`no response ${response.$ref}`)
  return found
}

function actionEntries(at: Place, operation: OpenApiOperation): Entry[] {
  const { document, origin, path } = at
  const [form] = Object.values(operation.requestBody?.content ?? {})
  const ok = operation.responses['200']
  const answers = ok && !('$ref' in ok) ? ok.content?.['application/json']?.examples : undefined
  const schemaOf = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })
  return (operation['x-actions'] ?? []).map((action) => ({
    id: slug(action.title),
    title: action.title,
    address: `POST ${path} · ${action.field}=${action.action}`,
    description: action.description,
    requests: action.requests.map((request) => ({
      title: request.title,
      description: request.description ?? '',
      fields: fieldRows(document, schemaOf(request.schema)),
      curl: curlOf({
        url: origin + path,
        method: at.method,
        form: form?.examples?.[request.example]?.value as Record<string, string | number>,
      }),
    })),
    answers: action.answers.map((answer, at) => ({
      status: '200',
      description: answer.description,
      example: answers?.[answer.example]?.value,
      fields: at === 0 ? answerRows(document, schemaOf(answer.schema)) : [],
    })),
    errors: action.errors.map(({ status, error, code, when }) => ({
      status: String(status),
      text: error,
      when,
      code,
    })),
  }))
}

/** The fields of what is answered, be it one object, a list or a map of them. */
function answerRows(document: OpenApiDocument, given: JsonSchema): readonly FieldRow[] {
  const schema = resolve(document, given)
  if (schema.items !== undefined) return answerRows(document, schema.items)
  const { additionalProperties } = schema
  if (typeof additionalProperties === 'object') {
    return answerRows(document, additionalProperties.anyOf?.[0] ?? additionalProperties)
  }
  if (schema.anyOf !== undefined) return answerRows(document, schema.anyOf[0] ?? {})
  return fieldRows(document, schema)
}

function slug(title: string): string {
  return title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}
