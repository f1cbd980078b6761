import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, RouteOptions } from 'fastify'
import {
  HTTP_METHODS,
  type HttpMethod,
  type JsonSchema,
  type OpenApiOperation,
  type OpenApiParameter,
  type OpenApiResponse,
  type PathItem,
  type Reference,
} from '../lib/openapi-document.ts'

/** A route that says what it takes and answers, as Fastify was told of it. */
export interface DescribedRoute {
  readonly method: HttpMethod
  readonly url: string
  readonly schema: RouteSchema
}

/** What a route of ours puts into its `schema`. */
interface RouteSchema {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly security?: OpenApiOperation['security']
  readonly params?: JsonSchema
  readonly querystring?: JsonSchema
  readonly headers?: JsonSchema
  readonly body?: JsonSchema
  readonly response: Readonly<Record<string, JsonSchema | OpenApiResponse>>
}

/**
 * Remembers every route with an `operationId` that is registered after this call, within any
 * scope of `app`. The list grows while routes are registered.
 */
export function collectRoutes(app: FastifyInstance): readonly DescribedRoute[] {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ method, url, schema }: RouteOptions) => {
    const known = HTTP_METHODS.find((name) => name === String(method).toLowerCase())
    if (known === undefined || !isDescribed(schema)) return
    routes.push({ method: known, url, schema })
  })
  return routes
}

function isDescribed(schema: unknown): schema is RouteSchema {
  return typeof schema === 'object' && schema !== null && 'operationId' in schema
}

/**
 * The paths of `routes`. Responses that stand in `shared` become references to it: `name` says
 * which, by the very object that the routes declare.
 */
export function pathsOf(
  routes: readonly DescribedRoute[],
  shared: ReadonlyMap<unknown, string>,
): Record<string, PathItem> {
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const { method, url, schema } of routes) {
    const path = url.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][method] = {
      operationId: schema.operationId,
      summary: schema.summary,
      ...(schema.description === undefined ? {} : { description: schema.description }),
      tags: schema.tags,
      ...(schema.security === undefined ? {} : { security: schema.security }),
      ...parametersOf(schema),
      ...bodyOf(schema.body),
      responses: responsesOf(schema.response, shared),
    }
  }
  return paths
}

/** The tags of `routes`, in the order in which they come. */
export function tagsOf(routes: readonly DescribedRoute[]): { name: string }[] {
  return [...new Set(routes.flatMap(({ schema }) => schema.tags))].map((name) => ({ name }))
}

function parametersOf(schema: RouteSchema): { parameters?: readonly OpenApiParameter[] } {
  const parameters = [
    ...parametersIn('path', schema.params),
    ...parametersIn('query', schema.querystring),
    ...parametersIn('header', schema.headers),
  ]
  return parameters.length === 0 ? {} : { parameters }
}

function parametersIn(
  place: OpenApiParameter['in'],
  schema: JsonSchema | undefined,
): OpenApiParameter[] {
  return Object.entries(schema?.properties ?? {}).map(([name, { description, ...rest }]) => ({
    name: place === 'header' ? headerName(name) : name,
    in: place,
    required: schema?.required?.includes(name) ?? false,
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }))
}

/** `idempotency-key` as people write it. */
function headerName(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
}

function bodyOf(schema: JsonSchema | undefined): Pick<OpenApiOperation, 'requestBody'> {
  if (schema === undefined || Object.keys(schema.properties ?? {}).length === 0) return {}
  const required = (schema.required?.length ?? 0) > 0
  return { requestBody: { required, content: { 'application/json': { schema } } } }
}

function responsesOf(
  responses: RouteSchema['response'],
  shared: ReadonlyMap<unknown, string>,
): Record<string, OpenApiResponse | Reference> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const name = shared.get(response)
      return [
        status.toUpperCase(),
        name === undefined
          ? responseOf(status, response)
          : { $ref: `#/components/responses/${name}` },
      ]
    }),
  )
}

function responseOf(status: string, response: JsonSchema | OpenApiResponse): OpenApiResponse {
  if ('content' in response) return response as OpenApiResponse
  const description = STATUS_CODES[status] ?? status
  const schema = response as JsonSchema
  if (schema.type === 'null') return { description }
  return { description, content: { 'application/json': { schema } } }
}
