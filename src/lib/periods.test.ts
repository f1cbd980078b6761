import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { localDay, localMidnight, periodEnd } from './periods.ts'

const ZONES = ['Europe/Sofia', 'America/Juneau', 'Asia/Kathmandu', 'Africa/Cairo', 'UTC']
const CYCLES = [1, 3, 6, 12, 24]
const YEARS = 10
const HOUR_MS = 3_600_000

interface Local {
  readonly date: string
  readonly day: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** The local date by Intl, which knows nothing of the code that is tested. */
function localOf(at: Date | number, timeZone: string): Local {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' })
    formats.set(timeZone, format)
  }
  const date = format.format(at)
  return { date, day: Number(date.slice(-2)) }
}

/** The first millisecond of a local day, found by halving: between noon of the day before and its own. */
function startByIntl(date: string, timeZone: string): number {
  const noonMs = Date.parse(`${date}T12:00:00Z`)
  let [before, within] = [noonMs - 36 * HOUR_MS, noonMs + 14 * HOUR_MS]
  while (localOf(within, timeZone).date > date) within -= HOUR_MS
  assert.equal(localOf(within, timeZone).date, date)
  assert.ok(localOf(before, timeZone).date < date)
  while (within - before > 1) {
    const middle = Math.floor((before + within) / 2)
    if (localOf(middle, timeZone).date < date) before = middle
    else within = middle
  }
  return within
}

/** The date `months` after year and month of `start`, by plain numbers. */
function dateAfter(start: { year: number; month: number }, months: number, anchor: number): string {
  const at = start.year * 12 + start.month - 1 + months
  const [year, month] = [Math.floor(at / 12), (at % 12) + 1]
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!
  const two = (part: number) => String(part).padStart(2, '0')
  return `${year}-${two(month)}-${two(Math.min(anchor, days))}`
}

const STARTS = [
  { year: 2024, month: 2, day: 29 },
  { year: 2025, month: 1, day: 29 },
  { year: 2025, month: 1, day: 30 },
  { year: 2025, month: 1, day: 31 },
  { year: 2025, month: 8, day: 31 },
  { year: 2027, month: 12, day: 31 },
]

describe('ten years of periods', () => {
  for (const timeZone of ZONES) {
    for (const start of STARTS) {
      it(`from ${dateAfter(start, 0, start.day)} in ${timeZone}`, () => {
        for (const months of CYCLES) {
          const first = startByIntl(dateAfter(start, 0, start.day), timeZone)
          const last = startByIntl(dateAfter(start, YEARS * 12, start.day), timeZone)
          let from = new Date(first)
          let count = 0
          while (from.getTime() < last) {
            const to = periodEnd({ from, months, timeZone, anchorDay: start.day })
            count++
            const date = dateAfter(start, count * months, start.day)
            assert.equal(to.getTime(), startByIntl(date, timeZone), `period ${count} to ${date}`)
            from = to
          }
          assert.equal(from.getTime(), last)
          assert.equal(count, (YEARS * 12) / months)
        }
      })
    }
  }

  it('from the 31st, through shorter months, back to the 31st', () => {
    const ends: string[] = []
    let from = new Date('2025-01-30T22:00:00Z')
    for (let period = 0; period < 4; period++) {
      from = periodEnd({ from, months: 1, timeZone: 'Europe/Sofia', anchorDay: 31 })
      ends.push(localOf(from, 'Europe/Sofia').date)
    }
    assert.deepEqual(ends, ['2025-02-28', '2025-03-31', '2025-04-30', '2025-05-31'])
  })
})

it('the sample of the VPSBG page: three months from 20 June 2025 in Sofia', () => {
  const from = new Date(1750366800_000)
  assert.equal(localMidnight(from, 'Europe/Sofia').getTime(), from.getTime())
  assert.equal(localDay(from, 'Europe/Sofia'), 20)
  const to = periodEnd({ from, months: 3, timeZone: 'Europe/Sofia', anchorDay: 20 })
  assert.equal(to.getTime(), 1758315600_000)
})

it('a day that begins at one: Cairo when its clocks change', () => {
  const from = new Date('2026-03-23T22:00:00Z')
  const to = periodEnd({ from, months: 1, timeZone: 'Africa/Cairo', anchorDay: 24 })
  // Clocks go from 00:00 to 01:00 on 24 April 2026.
  assert.equal(to.toISOString(), '2026-04-23T22:00:00.000Z')
  assert.equal(localMidnight(new Date('2026-04-24T09:00:00Z'), 'Africa/Cairo').getTime(), +to)
  const next = periodEnd({ from: to, months: 1, timeZone: 'Africa/Cairo', anchorDay: 24 })
  assert.equal(next.toISOString(), '2026-05-23T21:00:00.000Z')
})

it('a start that is no midnight any more, since the zone has moved, is still that day', () => {
  for (const hours of [-3, -1, 1, 3]) {
    const from = new Date(Date.parse('2025-06-19T21:00:00Z') + hours * HOUR_MS)
    const to = periodEnd({ from, months: 3, timeZone: 'Europe/Sofia', anchorDay: 20 })
    assert.equal(to.getTime(), 1758315600_000)
  }
})

it('zones by abbreviations that Intl knows', () => {
  const at = new Date('2026-07-01T12:00:00Z')
  for (const timeZone of ['CAT', 'IST', 'PST', 'EST5EDT', 'US/Pacific', 'GMT', 'europe/sofia']) {
    const midnight = localMidnight(at, timeZone)
    assert.equal(localOf(midnight, timeZone).date, localOf(at, timeZone).date)
    assert.ok(localOf(midnight.getTime() - 1, timeZone).date < localOf(at, timeZone).date)
    const to = periodEnd({ from: midnight, months: 1, timeZone, anchorDay: 1 })
    assert.equal(localOf(to, timeZone).date, '2026-08-01')
  }
})

it('the local midnight is the first instant of its day', () => {
  const zones = fc.constantFrom(...ZONES, 'Asia/Tehran', 'America/Havana', 'Pacific/Chatham')
  const instants = fc.integer({ min: 1_700_000_000, max: 2_100_000_000 })
  fc.assert(
    fc.property(zones, instants, (timeZone, seconds) => {
      const at = new Date(seconds * 1000)
      const midnight = localMidnight(at, timeZone)
      const { date, day } = localOf(at, timeZone)
      assert.ok(midnight <= at)
      assert.equal(localOf(midnight, timeZone).date, date)
      assert.ok(localOf(midnight.getTime() - 1, timeZone).date < date)
      assert.equal(localDay(at, timeZone), day)
    }),
  )
})

it('any periods, mixed cycles as well, each begin the anchor day', () => {
  const day = fc.integer({ min: 1, max: 31 })
  const cycles = fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), day, cycles, (timeZone, anchorDay, months) => {
      const start = { year: 2025, month: 1 }
      let from = new Date(startByIntl(dateAfter(start, 0, anchorDay), timeZone))
      let elapsed = 0
      for (const cycle of months) {
        from = periodEnd({ from, months: cycle, timeZone, anchorDay })
        elapsed += cycle
        assert.equal(localOf(from, timeZone).date, dateAfter(start, elapsed, anchorDay))
      }
    }),
  )
})
