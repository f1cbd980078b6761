import { type TSchema, Type } from 'typebox'
import { Refusal, type RefusalCode } from '../../core/refusal.ts'
import { formContent, REPLAYED_HEADER, schemaRef } from '../../http/form-openapi.ts'
import type {
  ActionText,
  JsonSchema,
  OpenApiDocument,
  OpenApiResponse,
} from '../../lib/openapi-document.ts'
import type { PanelDialect } from './panel-dialect.ts'
import { PANEL_ERRORS } from './panel-errors.ts'
import { closed } from './panel-schemas.ts'

/** What one API of the family takes and answers, in words and schemas. */
export interface PanelText {
  readonly dialect: PanelDialect
  readonly title: string
  readonly summary: string
  readonly description: string
  readonly actions: readonly PanelAction[]
  /** Shapes that answers refer to by name. */
  readonly shapes: Readonly<Record<string, TSchema>>
}

export interface PanelAction {
  readonly action: string
  readonly title: string
  readonly description: string
  readonly requests: readonly {
    readonly title: string
    readonly description?: string
    /** Its name among the document's schemas. */
    readonly name: string
    readonly schema: TSchema
    readonly example: Readonly<Record<string, string | number>>
  }[]
  readonly answer: { readonly name: string; readonly schema: TSchema; readonly example: unknown }
  /** What this action refuses, beside what every request can meet. */
  readonly refuses: readonly (keyof typeof PANEL_ERRORS)[]
}

const EVERYWHERE = [
  'unauthorized',
  'insufficient_scope',
  'rate_limited',
  'unknown_action',
  'payload_too_large',
  'internal_error',
  'unavailable',
] as const satisfies readonly (keyof typeof PANEL_ERRORS)[]

/** The document of an API of the family: one path, one schema for each action and type. */
export function panelDocument(text: PanelText, version: string): OpenApiDocument {
  const { dialect, actions } = text
  return {
    openapi: '3.1.0',
    info: {
      title: text.title,
      version,
      summary: text.summary,
      description: text.description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      [dialect.path]: {
        post: {
          operationId: dialect.name,
          summary: 'Every action of this API',
          requestBody: { required: true, content: requestContent(actions) },
          responses: { '200': okResponse(actions), ...errorResponses(text) },
          'x-actions': actions.map((action) => actionText(dialect, action)),
        },
      },
    },
    components: { schemas: schemasOf(text) },
  }
}

function requestContent(actions: readonly PanelAction[]) {
  // `add` is one action with a shape for each type, and a field too many is no error.
  const schema: JsonSchema = {
    oneOf: actions.map(({ requests }) => {
      const shapes = requests.map(({ name }) => schemaRef(name))
      return shapes.length === 1 ? shapes[0]! : { anyOf: shapes }
    }),
  }
  const examples = actions
    .flatMap(({ requests }) => requests)
    .map(({ name, example }) => [name, { key: 'YOUR_API_KEY', ...example }] as const)
  return formContent(schema, new Map(examples))
}

function okResponse(actions: readonly PanelAction[]): OpenApiResponse {
  const answers = new Map(actions.map(({ answer }) => [answer.name, answer]))
  return {
    description:
      'What the action answers. With `legacy_errors` also every error that knows the key.',
    headers: REPLAYED_HEADER,
    content: {
      'application/json': {
        schema: {
          oneOf: [...[...answers.keys()].map((name) => schemaRef(name)), schemaRef('Error')],
        },
        examples: Object.fromEntries(
          [...answers].map(([name, { example }]) => [name, { value: example }]),
        ),
      },
    },
  }
}

/** One response for each HTTP status, with an example for each error that comes with it. */
function errorResponses({ dialect }: PanelText): Record<string, OpenApiResponse> {
  const byStatus = new Map<number, { code: RefusalCode; text: string }[]>()
  for (const code of Object.keys(PANEL_ERRORS) as (keyof typeof PANEL_ERRORS)[]) {
    const { status, text } = refused(dialect, code)
    byStatus.set(status, [...(byStatus.get(status) ?? []), { code, text }])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, errors]) => [
      status,
      {
        description: [...new Set(errors.map(({ text }) => text))].join(' · '),
        content: {
          'application/json': {
            schema: schemaRef('Error'),
            examples: Object.fromEntries(
              errors.map(({ code, text }) => [code, { value: { error: text } }]),
            ),
          },
        },
      },
    ]),
  )
}

function actionText(dialect: PanelDialect, action: PanelAction): ActionText {
  return {
    field: 'action',
    action: action.action,
    title: action.title,
    description: action.description,
    requests: action.requests.map(({ title, description, name }) => ({
      title,
      ...(description === undefined ? {} : { description }),
      schema: name,
      example: name,
    })),
    answers: [{ description: '', schema: action.answer.name, example: action.answer.name }],
    errors: [...EVERYWHERE, ...action.refuses]
      .map((code) => {
        const { status, text } = refused(dialect, code, detailOf(action, code))
        return { status, error: text, code, when: PANEL_ERRORS[code].when }
      })
      .sort((a, b) => a.status - b.status),
  }
}

/** How an API of the family tells a refusal; undefined where it never has to. */
export function panelAnswer(
  dialect: PanelDialect,
  code: RefusalCode,
): { readonly status: number; readonly text: string } | undefined {
  // Of one order among those that `cancel` names.
  if (code === 'order_not_cancelable') return dialect.refused(new Refusal(code))
  return isOfPanels(code) ? refused(dialect, code) : undefined
}

function isOfPanels(code: RefusalCode): code is keyof typeof PANEL_ERRORS {
  return Object.hasOwn(PANEL_ERRORS, code)
}

/** What an action that asks for ids says is wrong with them. */
function detailOf(
  { action, requests }: PanelAction,
  code: keyof typeof PANEL_ERRORS,
): string | undefined {
  const field = Object.keys(requests[0]?.example ?? {}).find((name) => name !== 'action')
  if (action === 'add' || field === undefined) return undefined
  if (code === 'invalid_input') return `${field} is required`
  if (code === 'too_many_ids') return `${field.replace(/s$/, '')}s has more than 100 ids`
  return undefined
}

function refused(dialect: PanelDialect, code: keyof typeof PANEL_ERRORS, instead?: string) {
  const example: { readonly when: string; readonly detail?: string } = PANEL_ERRORS[code]
  const detail = instead ?? example.detail
  return dialect.refused(new Refusal(code, detail === undefined ? {} : { detail }))
}

function schemasOf({ actions, shapes }: PanelText): Record<string, JsonSchema> {
  const schemas: Record<string, TSchema> = { ...shapes }
  for (const { requests, answer } of actions) {
    for (const { name, schema } of requests) schemas[name] = schema
    schemas[answer.name] = answer.schema
  }
  schemas.Error = closed({ error: Type.String({ description: 'What is wrong' }) })
  return schemas as Record<string, JsonSchema>
}
