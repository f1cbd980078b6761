import { Type } from 'typebox'
import { Refusal } from '../core/refusal.ts'
import { setTestClock } from '../core/set-test-clock.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Instant, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const ClockShape = Type.Object({ now: Instant })
const tag = 'Testing'

/** The clock that tests can set. Without PURSER_TEST_CLOCK=1 there is none. */
export function registerTestClock(app: RestRoutes, deps: AdminDeps): void {
  const requireTestClock = (): void => {
    if (!deps.testClock) {
      throw new Refusal('not_found', { detail: 'The test clock is off: PURSER_TEST_CLOCK=1.' })
    }
  }
  app.get(
    '/test-clock',
    {
      schema: reading(
        { operationId: 'getTestClock', summary: 'The time that Purser goes by', tag },
        { answer: ClockShape },
      ),
    },
    async () => {
      requireTestClock()
      return { now: deps.funnel.clock.now().toISOString() }
    },
  )
  app.put(
    '/test-clock',
    {
      schema: writing(
        { operationId: 'setTestClock', summary: 'Set the time; it moves on from there', tag },
        {
          body: strictObject({ now: Type.String({ description: 'ISO 8601 with its offset' }) }),
          answers: { 200: ClockShape },
        },
      ),
    },
    async (request, reply) => {
      requireTestClock()
      const input = { now: request.body.now }
      return await write(deps, { request, reply, operation: setTestClock, input })
    },
  )
}
