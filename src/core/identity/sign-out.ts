import { type Actor, actorId, SYSTEM } from '../actor.ts'
import { execute, type Funnel } from '../execute.ts'
import type { Operation } from '../operation.ts'
import { digest } from './secret.ts'
import { deleteSession } from './session-store.ts'

/** Ends the session of `token`, which was `actor`'s. Ending it twice changes nothing. */
export async function signOut(funnel: Funnel, actor: Actor, token: string): Promise<void> {
  await execute(funnel, endSession, {
    actor: SYSTEM,
    input: { actor, tokenHash: digest(token) },
    idempotencyKey: null,
  })
}

const endSession: Operation<{ actor: Actor; tokenHash: Buffer }, null> = {
  name: 'session.end',
  permission: 'system',
  async run({ tx, record }, { actor, tokenHash }) {
    const subjectId = actorId(actor)
    if ((await deleteSession(tx, tokenHash)) && subjectId !== null) {
      record({
        kind: `${actor.kind}.signed_out`,
        subjectId,
        accountId: actor.kind === 'user' ? actor.accountId : null,
      })
    }
    return null
  },
}
