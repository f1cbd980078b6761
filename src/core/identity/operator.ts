/** Somebody who runs the installation. A disabled one keeps its row: the audit trail names it. */
export interface Operator {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly state: 'active' | 'disabled'
  readonly createdAt: string
}

export const OPERATOR_NAME_LENGTH_MAX = 200
