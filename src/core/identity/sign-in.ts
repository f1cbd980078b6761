import { SYSTEM } from '../actor.ts'
import { execute, type Funnel, translateOutage } from '../execute.ts'
import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { checkEmail } from '../text-field.ts'
import { findOperatorLogin } from './operator-views.ts'
import { verifyPassword } from './password.ts'
import { digest, newSessionToken } from './secret.ts'
import { insertSession, type SessionHolder } from './session-store.ts'
import { findUserLogin } from './user-views.ts'

export const OPERATOR_SESSION_SECONDS = 12 * 3600
export const USER_SESSION_SECONDS = 7 * 24 * 3600

export interface Credentials {
  readonly email: string
  readonly password: string
}

/** A session's token, which only the browser keeps, and when it ends. */
export interface NewSession {
  readonly token: string
  readonly expiresAt: string
}

const WRONG = { detail: 'The e-mail address or the password is wrong.' }

/**
 * Signs an operator in. Refuses `unauthorized`, in the same time whatever was wrong;
 * `invalid_input` for what is no e-mail address, `unavailable`.
 */
export async function signInOperator(
  funnel: Funnel,
  credentials: Credentials,
): Promise<NewSession & { operatorId: bigint }> {
  const found = await translateOutage(() =>
    findOperatorLogin(funnel.database.db, checkEmail(credentials.email)),
  )
  const right = await verifyPassword(found?.passwordHash, credentials.password)
  if (!found || !right || !found.active) throw new Refusal('unauthorized', WRONG)
  const session = await start(funnel, { operatorId: found.id }, OPERATOR_SESSION_SECONDS)
  return { ...session, operatorId: found.id }
}

/** Signs a user in to an account. Refuses as above, also where the account is suspended. */
export async function signInUser(
  funnel: Funnel,
  credentials: Credentials,
): Promise<NewSession & { userId: bigint; accountId: bigint }> {
  const found = await translateOutage(() =>
    findUserLogin(funnel.database.db, checkEmail(credentials.email)),
  )
  const right = await verifyPassword(found?.passwordHash, credentials.password)
  if (!found || !right || !found.active) throw new Refusal('unauthorized', WRONG)
  const holder = { userId: found.id, accountId: found.accountId }
  return { ...(await start(funnel, holder, USER_SESSION_SECONDS)), ...holder }
}

type Holder = SessionHolder & { readonly accountId?: bigint }

async function start(funnel: Funnel, holder: Holder, seconds: number): Promise<NewSession> {
  const token = newSessionToken()
  const { output } = await execute(funnel, startSession, {
    actor: SYSTEM,
    input: { holder, tokenHash: digest(token), seconds },
    idempotencyKey: null,
  })
  return { token, expiresAt: output.expiresAt }
}

const startSession: Operation<
  { holder: Holder; tokenHash: Buffer; seconds: number },
  { expiresAt: string }
> = {
  name: 'session.start',
  permission: 'system',
  async run({ tx, now, record }, { holder, tokenHash, seconds }) {
    const expiresAt = new Date(now.getTime() + seconds * 1000)
    await insertSession(tx, holder, { tokenHash, now, expiresAt })
    record(
      'userId' in holder
        ? {
            kind: 'user.signed_in',
            subjectId: holder.userId,
            accountId: holder.accountId ?? null,
          }
        : { kind: 'operator.signed_in', subjectId: holder.operatorId, accountId: null },
    )
    return { expiresAt: expiresAt.toISOString() }
  },
}
