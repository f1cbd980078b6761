import { Type } from 'typebox'
import { Refusal, type RefusalCode } from '../../core/refusal.ts'
import type { OpenApiResponse } from '../../lib/openapi-document.ts'
import { vpsbgRefused } from './vpsbg-errors.ts'

const ErrorShape = Type.Object({
  message: Type.String({ description: 'What is wrong, for people' }),
  errors: Type.Optional(
    Type.Record(Type.String(), Type.Array(Type.String()), {
      description: 'What is wrong with each field; only with 422',
    }),
  ),
  code: Type.String({ description: 'What is wrong, for programs: its page is `/errors/<code>`' }),
  request_id: Type.String(),
})

/** What each status means. */
const MEANINGS: Readonly<Record<number, string>> = {
  400: 'Not possible now, or no JSON; the message says why.',
  401: 'The key is missing, unknown or disabled.',
  403: 'The key lacks the scope.',
  404: 'What the path names does not exist.',
  409: 'The idempotency key is taken.',
  413: 'More than 1 MiB.',
  422: 'A field is wrong; `errors` says which.',
  423: 'An action on it is running; try again.',
  429: 'Wait for the seconds in `Retry-After`.',
  500: 'Not your fault.',
  503: 'Wait for the seconds in `Retry-After`.',
}

const EVERYWHERE: readonly RefusalCode[] = [
  'unauthorized',
  'insufficient_scope',
  'rate_limited',
  'internal_error',
  'unavailable',
]
const WITH_BODY: readonly RefusalCode[] = ['payload_too_large']
const OF_WRITES: readonly RefusalCode[] = ['idempotency_key_invalid', 'idempotency_key_reused']

/** What of a route decides how it can fail. */
interface Failing {
  readonly hasPath: boolean
  readonly hasFields: boolean
  readonly hasBody: boolean
  readonly writes: boolean
  /** Codes of its own. */
  readonly refuses: readonly RefusalCode[]
}

/** The responses of a route beside its own, by status. */
export function errorResponses(o: Failing): Record<string, OpenApiResponse> {
  const codes = [
    ...EVERYWHERE,
    ...(o.hasPath ? (['not_found'] as const) : []),
    ...(o.hasBody ? WITH_BODY : []),
    ...(o.writes ? OF_WRITES : []),
    ...o.refuses,
  ]
  const byStatus = new Map<number, RefusalCode[]>()
  const add = (status: number, code: RefusalCode) =>
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  for (const code of codes) add(vpsbgRefused(new Refusal(code)).status, code)
  if (o.hasFields) add(422, 'invalid_input')
  // What is no JSON has no field that could be wrong.
  if (o.hasBody) add(400, 'invalid_input')
  return Object.fromEntries([...byStatus].map(([status, some]) => [status, response(status, some)]))
}

const alike = new Map<string, OpenApiResponse>()

/** Every response of a status that has one code, by its status: the document writes it once. */
export const ALIKE: ReadonlyMap<string, OpenApiResponse> = alike

function response(status: number, codes: readonly RefusalCode[]): OpenApiResponse {
  const known = codes.length === 1 ? alike.get(String(status)) : undefined
  if (known !== undefined) return known
  const links = codes.toSorted().map((code) => `${status} \`${code}\``)
  const made = {
    description: `${MEANINGS[status]} ${links.join(', ')}`,
    content: { 'application/json': { schema: ErrorShape } },
  } as unknown as OpenApiResponse
  if (codes.length === 1) alike.set(String(status), made)
  return made
}
