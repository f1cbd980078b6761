import type { FastifyReply } from 'fastify'
import type { KeyActor } from '../../core/actor.ts'
import type { Fields } from '../../http/form-body.ts'
import type { PanelDeps } from './panel-deps.ts'
import type { PanelDialect } from './panel-dialect.ts'

/** One asking, on its way through the handlers. */
export interface PanelCall {
  readonly dialect: PanelDialect
  readonly deps: PanelDeps
  readonly actor: KeyActor
  readonly fields: Fields
  readonly idempotencyKey: string | null
  readonly reply: FastifyReply
}
