import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { authorize } from '../../core/execute.ts'
import { Refusal } from '../../core/refusal.ts'
import { customerOfKey } from '../../http/customer-key.ts'
import { acceptForms, type Fields, fieldsOf } from '../../http/form-body.ts'
import { idempotencyKeyOf } from '../../http/idempotency-key.ts'
import type { CrownPanelDeps } from './crownpanel-deps.ts'
import { QUERIES } from './crownpanel-queries.ts'
import { crownpanelRefused, refusalAnswer } from './crownpanel-refusals.ts'
import { LATER_QUERIES } from './later-queries.ts'

const PATH = '/'
const JSON_TYPE = 'application/json; charset=utf-8'

/** Mounts CrownPanel's API: one address, `API_KEY` and `QUERY` in a form. GET is not its. */
export function registerCrownPanel(app: FastifyInstance, deps: CrownPanelDeps): void {
  app.register((scope, _options, done) => {
    acceptForms(scope)
    scope.setErrorHandler((error, request, reply) =>
      refuse(deps, { request, reply, query: '' }, error),
    )
    scope.post(PATH, (request, reply) => answer(deps, request, reply))
    scope.route({
      method: ['PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: PATH,
      handler: async () => {
        throw new Refusal('invalid_input', { detail: 'Send a POST with API_KEY and QUERY.' })
      },
    })
    done()
  })
}

/** Key → limits → QUERY → scope; shape, objects, state and money are the query's to check. */
async function answer(
  deps: CrownPanelDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  let query = ''
  try {
    const fields = lowerCased(fieldsOf(request))
    query = fields.query ?? ''
    const actor = await customerOfKey(deps, fields.api_key?.trim(), { request, reply })
    const name = query.trim().toLowerCase()
    if (LATER_QUERIES.has(name)) throw new Refusal('feature_unavailable')
    const asked = QUERIES.get(name)
    if (asked === undefined) throw new Refusal('unknown_action')
    authorize(actor, asked.scope)
    const idempotencyKey = idempotencyKeyOf(request, fields.idempotency_key)
    const data = await asked.answer({ deps, actor, query, fields, idempotencyKey, reply })
    return reply.type(JSON_TYPE).send(JSON.stringify(data))
  } catch (error) {
    return refuse(deps, { request, reply, query }, error)
  }
}

/** Its pages write names in capitals, some clients in lower case. */
function lowerCased(fields: Fields): Fields {
  const lower: Record<string, string | undefined> = Object.create(null)
  for (const [name, value] of Object.entries(fields)) lower[name.toLowerCase()] = value
  return lower
}

function refuse(
  deps: CrownPanelDeps,
  { request, reply, query }: { request: FastifyRequest; reply: FastifyReply; query: string },
  error: unknown,
): FastifyReply {
  const refusal = deps.toRefusal(error, request)
  if (refusal.retryAfterSeconds !== undefined) {
    reply.header('retry-after', refusal.retryAfterSeconds)
  }
  const { status, text } = crownpanelRefused(refusal)
  return reply
    .code(status)
    .type(JSON_TYPE)
    .send(JSON.stringify(refusalAnswer(query, text)))
}
