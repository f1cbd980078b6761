import assert from 'node:assert/strict'
import { test } from 'node:test'
import { averageTimeText } from './panel-texts.ts'

test('an average time is told in hours and minutes, or in days and hours', () => {
  for (const [seconds, text] of [
    [0, '1 minute'],
    [89, '1 minute'],
    [90, '2 minutes'],
    [3_600, '1 hour'],
    [4_320, '1 hour 12 minutes'],
    [86_369, '23 hours 59 minutes'],
    [86_370, '1 day'],
    [90_000, '1 day 1 hour'],
    [180_000, '2 days 2 hours'],
  ] as const) {
    assert.equal(averageTimeText(seconds), text)
  }
})
