import type { Operation } from '../operation.ts'
import { checkEmail, checkLine } from '../text-field.ts'
import { OPERATOR_NAME_LENGTH_MAX, type Operator } from './operator.ts'
import { insertOperator } from './operator-store.ts'
import { hashPassword } from './password.ts'

export interface CreateOperatorInput {
  readonly email: string
  readonly name: string
  readonly password: string
}

/** Refuses `invalid_input`, and `conflict` by e-mail. */
export const createOperator: Operation<CreateOperatorInput, Operator> = {
  name: 'operator.create',
  permission: 'operator',
  secretive: true,
  async run({ tx, now, record }, input) {
    const operator = await insertOperator(tx, {
      email: checkEmail(input.email),
      name: checkLine(input.name, { pointer: '/name', lengthMax: OPERATOR_NAME_LENGTH_MAX }),
      passwordHash: await hashPassword(input.password),
      now,
    })
    record({ kind: 'operator.created', subjectId: BigInt(operator.id), accountId: null })
    return operator
  },
}
