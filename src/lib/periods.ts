/**
 * Calendar of what recurs. A period begins and ends at a local start of a day: of the anchor day,
 * or of the last day of a month that is shorter. The next one begins where the last one ended, so
 * that 31 → 28 → 31, clocks that change and zones that change their rules leave no gap.
 */
import { Temporal } from 'temporal-polyfill'

export interface PeriodStart {
  readonly from: Date
  readonly months: number
  readonly timeZone: string
  /** 1 to 31. */
  readonly anchorDay: number
}

/** From a local midnight this is the same day, also where a zone has moved by some hours. */
const NOON_MS = 12 * 3_600_000
const MEMO_MAX = 4_096

const zones = new Map<string, string>()
const periodEnds = new Map<string, number>()
const midnights = new Map<string, number>()

/** The end of the period that begins at `from`, a local start of a day. */
export function periodEnd({ from, months, timeZone, anchorDay }: PeriodStart): Date {
  const key = `${from.getTime()} ${months} ${anchorDay} ${timeZone}`
  const endMs = remembered(periodEnds, key, () => {
    const day = localDate(new Date(from.getTime() + NOON_MS), timeZone)
    const month = day.toPlainYearMonth().add({ months })
    // A day that the month does not have becomes its last.
    return startOf(month.toPlainDate({ day: anchorDay }), timeZone)
  })
  return new Date(endMs)
}

/** The start of the local day in which `at` lies: its midnight, or what there is instead. */
export function localMidnight(at: Date, timeZone: string): Date {
  const key = `${at.getTime()} ${timeZone}`
  return new Date(remembered(midnights, key, () => startOf(localDate(at, timeZone), timeZone)))
}

/** The day of the month, 1 to 31, in which `at` lies. */
export function localDay(at: Date, timeZone: string): number {
  return localDate(at, timeZone).day
}

/** When the local day `day` (YYYY-MM-DD) ends; undefined where the calendar has no such day. */
export function endOfLocalDay(day: string, timeZone: string): Date | undefined {
  const [year, month, date] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? []).slice(1).map(Number)
  if (year === undefined || month === undefined || date === undefined) return undefined
  // Rolls over what the calendar has not, which then reads differently.
  const at = new Date(Date.UTC(2000, month - 1, date))
  at.setUTCFullYear(year, month - 1, date)
  if (at.toISOString().slice(0, 10) !== day) return undefined
  const next = new Temporal.PlainDate(year, month, date).add({ days: 1 })
  return new Date(startOf(next, timeZone))
}

function localDate(at: Date, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime())
    .toZonedDateTimeISO(zoneOf(timeZone))
    .toPlainDate()
}

function startOf(day: Temporal.PlainDate, timeZone: string): number {
  return day.toZonedDateTime({ timeZone: zoneOf(timeZone) }).epochMilliseconds
}

/** The zone's own name: Temporal knows no abbreviation such as CAT, which accounts may have. */
function zoneOf(timeZone: string): string {
  return remembered(zones, timeZone, () => {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone
  })
}

/** Hundreds of thousands of renewals share few dates. Bounded: a full memory begins anew. */
function remembered<T>(memory: Map<string, T>, key: string, make: () => T): T {
  const known = memory.get(key)
  if (known !== undefined) return known
  if (memory.size >= MEMO_MAX) memory.clear()
  const made = make()
  memory.set(key, made)
  return made
}
