import { moveEpoch } from '../epoch.ts'
import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import type { Operator } from './operator.ts'
import { disableOperatorRow, lockOperators } from './operator-store.ts'

/**
 * Stops an operator's keys and sessions. Refuses `not_found`, and `invalid_state` for the last
 * active operator, without whom nobody could run the installation.
 */
export const disableOperator: Operation<{ operatorId: bigint }, Operator> = {
  name: 'operator.disable',
  permission: 'operator',
  async run({ tx, record }, { operatorId }) {
    await moveEpoch(tx, 'key')
    const operators = await lockOperators(tx)
    const operator = operators.find((one) => BigInt(one.id) === operatorId)
    if (!operator) throw new Refusal('not_found')
    if (operator.state === 'disabled') return operator
    if (operators.filter((one) => one.state === 'active').length === 1) {
      throw new Refusal('invalid_state', { detail: 'The last active operator stays.' })
    }
    record({ kind: 'operator.disabled', subjectId: operatorId, accountId: null })
    return await disableOperatorRow(tx, operatorId)
  },
}
