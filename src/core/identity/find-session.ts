import type { Db } from '../../db/database.ts'
import type { OperatorActor, UserActor } from '../actor.ts'
import { translateOutage } from '../execute.ts'
import { Refusal } from '../refusal.ts'
import { digest } from './secret.ts'
import { findOperatorSession, findUserSession } from './session-store.ts'
import { ROLE_SCOPES, type UserRole } from './user.ts'

/** Who an operator's session token stands for at `now`. Refuses `unauthorized`. */
export async function findOperator(
  db: Db,
  token: string,
  now: Date,
): Promise<{ actor: OperatorActor; expiresAt: Date }> {
  const found = await translateOutage(() =>
    findOperatorSession(db, { tokenHash: digest(token), now }),
  )
  if (!found) throw new Refusal('unauthorized')
  return {
    actor: { kind: 'operator', operatorId: found.operatorId },
    expiresAt: found.expiresAt,
  }
}

/** Who a customer's session token stands for at `now`. Refuses `unauthorized`. */
export async function findUser(
  db: Db,
  token: string,
  now: Date,
): Promise<{ actor: UserActor; email: string; role: UserRole; expiresAt: Date }> {
  const found = await translateOutage(() => findUserSession(db, { tokenHash: digest(token), now }))
  if (!found) throw new Refusal('unauthorized')
  const { userId, accountId, email, expiresAt } = found
  const role = found.role as UserRole
  return {
    actor: { kind: 'user', userId, accountId, scopes: ROLE_SCOPES[role] },
    email,
    role,
    expiresAt,
  }
}
