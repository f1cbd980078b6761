/** OpenAPI 3.1, as far as Purser's documents use it. Everything is plain JSON. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: {
    readonly title: string
    readonly version: string
    readonly summary: string
    /** Paragraphs are divided by an empty line; `code` stands in backticks. */
    readonly description: string
    readonly license: { readonly name: string; readonly identifier: string }
  }
  readonly servers: readonly { readonly url: string }[]
  readonly tags?: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: {
    readonly schemas?: Readonly<Record<string, JsonSchema>>
    readonly responses?: Readonly<Record<string, OpenApiResponse>>
    readonly securitySchemes?: Readonly<Record<string, object>>
  }
}

export const HTTP_METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const
export type HttpMethod = (typeof HTTP_METHODS)[number]
export type PathItem = Readonly<Partial<Record<HttpMethod, OpenApiOperation>>>

export interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly OpenApiParameter[]
  readonly requestBody?: {
    readonly required: boolean
    readonly content: Readonly<Record<string, OpenApiContent>>
  }
  readonly responses: Readonly<Record<string, OpenApiResponse | Reference>>
  /** Of an operation that is many: what each takes and answers. */
  readonly 'x-actions'?: readonly ActionText[]
}

export interface OpenApiParameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: JsonSchema
}

export interface OpenApiResponse {
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, OpenApiContent>>
}

export interface OpenApiContent {
  readonly schema: JsonSchema
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}

export interface Reference {
  readonly $ref: string
}

/** A JSON Schema, as far as the reference shows it. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly title?: string
  readonly description?: string
  readonly format?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
}

/** One action of a form API. Schemas and examples are named, not repeated. */
export interface ActionText {
  /** The field that says which action is asked for: `action`, `QUERY`. */
  readonly field: string
  readonly action: string
  readonly title: string
  readonly description: string
  readonly requests: readonly {
    readonly title: string
    readonly description?: string
    /** In `components.schemas`. */
    readonly schema: string
    /** In the request body's examples. */
    readonly example: string
  }[]
  readonly answers: readonly {
    /** When it is this one, where there are several. */
    readonly description: string
    readonly schema: string
    readonly example: string
  }[]
  readonly errors: readonly {
    readonly status: number
    readonly error: string
    readonly code: string
    readonly when: string
  }[]
}
