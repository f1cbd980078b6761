import type { PanelConnection } from './panel-connection.ts'
import type { Turns } from './turns.ts'

/** How the upstream wants several things asked for at once, once that was found out. */
export interface LearntForms {
  status: 'status' | 'multiStatus' | 'one' | undefined
  cancel: 'orders' | 'one' | undefined
  refillStatus: 'refills' | 'one' | undefined
}

/** What the parts of the driver share. */
export interface PanelAccess {
  readonly connection: PanelConnection
  /** To hand orders over; and for all else, which must not wait behind that. */
  readonly adds: Turns
  readonly turns: Turns
  readonly forms: LearntForms
}
