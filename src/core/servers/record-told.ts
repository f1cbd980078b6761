import type { Operation } from '../operation.ts'
import { type ToldReport, writeTold } from './server-store.ts'

/** Writes down what providers have said to the states they were told, under `lease`. */
export const recordTold: Operation<{ lease: string; reports: readonly ToldReport[] }, null> = {
  name: 'server.record_told',
  permission: 'system',
  async run({ tx, now }, { lease, reports }) {
    await writeTold(tx, { lease, reports, now })
    return null
  },
}
