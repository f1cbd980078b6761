import { invalidField } from '../refusal.ts'
import { checkLine } from '../text-field.ts'
import { type CyclePrice, checkCycle, checkProgramName } from './cycle-price.ts'

/**
 * What a server is made of and costs for each cycle. Servers keep their plan for life, and what
 * is renewed is renewed at the plan's price of that day; a paused one is not sold to new servers.
 */
export interface Plan extends PlanTerms {
  readonly id: string
  /** A UUIDv7; written `vpsprod_` and 26 characters. */
  readonly publicId: string
  readonly state: PlanState
  readonly prices: readonly CyclePrice[]
  readonly createdAt: string
  readonly updatedAt: string
}

export interface PlanTerms {
  /** What programs name it by: `cloud-vps-2gb`. */
  readonly key: string
  readonly name: string
  readonly vcpus: number
  readonly memoryMb: number
  readonly diskGb: number
  /** A calendar month; 0: not limited. */
  readonly bandwidthGb: number
  readonly minimumBillingCycle: number
  readonly provider: string
  readonly position: number
}

export const PLAN_STATES = ['active', 'paused'] as const
export type PlanState = (typeof PLAN_STATES)[number]

const NAME_LENGTH_MAX = 200
const RESOURCE_MAX = 1_000_000_000

/** The terms as they are kept. Refuses `invalid_input`, naming the field that is wrong. */
export function checkPlanTerms<Terms extends PlanTerms>(terms: Terms): Terms {
  for (const [pointer, value, least] of [
    ['/vcpus', terms.vcpus, 1],
    ['/memory_mb', terms.memoryMb, 1],
    ['/disk_gb', terms.diskGb, 1],
    ['/bandwidth_gb', terms.bandwidthGb, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > RESOURCE_MAX) {
      throw invalidField(pointer, `must be a whole number from ${least} to ${RESOURCE_MAX}`)
    }
  }
  checkCycle(terms.minimumBillingCycle, '/minimum_billing_cycle')
  return {
    ...terms,
    key: checkProgramName(terms.key, '/key'),
    name: checkLine(terms.name, { pointer: '/name', lengthMax: NAME_LENGTH_MAX }),
  }
}
