import { checkLine } from '../text-field.ts'
import { type CyclePrice, checkProgramName } from './cycle-price.ts'

/**
 * Something that a server carries beside its plan, and that is renewed with it: a licence. It is
 * one choice of a family, and never discounted.
 */
export interface Addon extends AddonTerms {
  readonly id: string
  /** A UUIDv7; written `addon_` and 26 characters. */
  readonly publicId: string
  readonly state: AddonState
  readonly prices: readonly CyclePrice[]
  readonly createdAt: string
  readonly updatedAt: string
}

export interface AddonTerms {
  /** What programs name it by: `cpanel-pro-30`. */
  readonly key: string
  /** What it is a choice of: `cpanel`. */
  readonly family: string
  readonly name: string
  readonly position: number
}

export const ADDON_STATES = ['active', 'paused'] as const
export type AddonState = (typeof ADDON_STATES)[number]

const NAME_LENGTH_MAX = 200

/** The terms as they are kept. Refuses `invalid_input`, naming the field that is wrong. */
export function checkAddonTerms<Terms extends AddonTerms>(terms: Terms): Terms {
  return {
    ...terms,
    key: checkProgramName(terms.key, '/key'),
    family: checkProgramName(terms.family, '/family'),
    name: checkLine(terms.name, { pointer: '/name', lengthMax: NAME_LENGTH_MAX }),
  }
}
