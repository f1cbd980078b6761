import { createOperator } from '../src/core/identity/create-operator.ts'
import { createOperatorKey } from '../src/core/identity/create-operator-key.ts'
import { asSystem } from './as-system.ts'
import type { PurserProcess } from './purser-process.ts'

/** Asks the operator API; throws with its answer where that is no success. */
export type OperatorApi = <T>(method: string, path: string, body?: unknown) => Promise<T>

/** The operator API of a running Purser, with a key of the bench's own. */
export async function openOperatorApi(purser: PurserProcess): Promise<OperatorApi> {
  const ask = asSystem(purser.database)
  const operator = await ask(createOperator, {
    email: 'bench@shop.example',
    name: 'Bench',
    password: crypto.randomUUID(),
  })
  const { key } = await ask(createOperatorKey, { operatorId: BigInt(operator.id), name: 'bench' })
  return async <T>(method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${purser.url}/admin/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text === '' ? 'null' : text) as T
  }
}
