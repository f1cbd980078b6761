import type { Operation } from '../operation.ts'
import { checkLine } from '../text-field.ts'
import { type CreatedApiKey, KEY_NAME_LENGTH_MAX } from './api-key.ts'
import { insertKey } from './key-store.ts'
import { readOperator } from './operator-views.ts'
import { newApiKey, toNewKey } from './secret.ts'

export interface CreateOperatorKeyInput {
  readonly operatorId: bigint
  readonly name: string
  /** A key chosen before, so that it can be written down first; otherwise one is made. */
  readonly key?: string
}

/** Makes a key for the operator API. The only answer that holds the key. Refuses `not_found`. */
export const createOperatorKey: Operation<CreateOperatorKeyInput, CreatedApiKey> = {
  name: 'operator_key.create',
  permission: 'operator',
  secretive: true,
  async run({ tx, now, record }, input) {
    const { operatorId } = input
    await readOperator(tx, operatorId)
    const { key, prefix, hash } = input.key === undefined ? newApiKey() : toNewKey(input.key)
    const name = checkLine(input.name, { pointer: '/name', lengthMax: KEY_NAME_LENGTH_MAX })
    const made = await insertKey(
      tx,
      { operatorId },
      { prefix, hash, name, scopes: [], discountPpm: 0, legacyErrors: false, now },
    )
    record({ kind: 'api_key.created', subjectId: BigInt(made.id), accountId: null })
    return { ...made, key }
  },
}
