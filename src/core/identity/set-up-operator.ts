import { SYSTEM } from '../actor.ts'
import { execute, type Funnel } from '../execute.ts'
import { createOperator } from './create-operator.ts'
import { createOperatorKey } from './create-operator-key.ts'
import { randomCharacters } from './secret.ts'

const PASSWORD_CHARACTERS = 20

/** The first operator of an installation, with what signs in: shown once, by the command line. */
export async function setUpOperator(
  funnel: Funnel,
  email: string,
): Promise<{ email: string; password: string; apiKey: string }> {
  const password = randomCharacters(PASSWORD_CHARACTERS)
  const { output: operator } = await execute(funnel, createOperator, {
    actor: SYSTEM,
    input: { email, name: email, password },
    idempotencyKey: null,
  })
  const { output: key } = await execute(funnel, createOperatorKey, {
    actor: SYSTEM,
    input: { operatorId: BigInt(operator.id), name: 'first key' },
    idempotencyKey: null,
  })
  return { email: operator.email, password, apiKey: key.key }
}
