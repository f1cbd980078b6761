import { Type } from 'typebox'
import { invalidField } from '../core/refusal.ts'

/** Per cent as they are sent. */
export const SentPercent = Type.Union([Type.Number(), Type.String()], {
  description: '0 to 100, up to 4 decimals',
})

const PPM_PER_PERCENT = 10_000
const PERCENT_SHAPE = /^(\d{1,3})(?:\.(\d{1,4}))?$/

/** Per cent with up to 4 decimals as millionths of the whole. */
export function readPercent(percent: number | string, pointer: string): number {
  const match = PERCENT_SHAPE.exec(String(percent))
  if (!match) throw invalidField(pointer, 'must be 0 to 100 with up to 4 decimals')
  return Number(match[1]) * PPM_PER_PERCENT + Number((match[2] ?? '').padEnd(4, '0'))
}

export function showPercent(ppm: number): number {
  return ppm / PPM_PER_PERCENT
}
