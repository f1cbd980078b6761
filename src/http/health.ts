import type { FastifyInstance } from 'fastify'
import type { Pool } from 'pg'
import { knownMigrations } from '../db/migrate.ts'
import type { Metrics } from './metrics.ts'

/** `/healthz` (the process lives), `/readyz` (database and schema are there), `/metrics`. */
export function registerHealth(app: FastifyInstance, deps: { pool: Pool; metrics: Metrics }): void {
  app.get('/healthz', () => ({ ok: true }))
  app.get('/readyz', async (request, reply) => {
    const known = (await knownMigrations()).length
    try {
      const { rows } = await deps.pool.query<{ newest: number | null }>(
        'select max(number) as newest from migration',
      )
      if (rows[0]?.newest === known) return { ok: true }
      return reply.code(503).send({ ok: false, reason: 'the schema is of another version' })
    } catch (error) {
      request.log.warn({ err: error }, 'the database could not be asked')
      return reply.code(503).send({ ok: false, reason: 'the database does not answer' })
    }
  })
  app.get('/metrics', async (_request, reply) =>
    reply.type(deps.metrics.registry.contentType).send(await deps.metrics.registry.metrics()),
  )
}
