import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Checkpoint, type Mark, settledTransferId } from './ledger-checkpoint.ts'

/**
 * A model of a database: transactions get numbers in order, take transfer numbers while they run,
 * and end in any order. `oldest` is what a snapshot calls its xmin.
 */
class Transactions {
  #nextXid = 100n
  #lastTransfer = 0n
  readonly #open = new Map<bigint, bigint[]>()
  readonly unsettled = (): bigint[] => [...this.#open.values()].flat()
  readonly settledAll = (): boolean => this.#open.size === 0

  begin(): void {
    this.#open.set(this.#nextXid++, [])
  }

  number(pick: number): void {
    const open = [...this.#open.values()]
    open[pick % open.length]?.push(++this.#lastTransfer)
  }

  end(pick: number): void {
    const open = [...this.#open.keys()]
    if (open.length > 0) this.#open.delete(open[pick % open.length] ?? -1n)
  }

  mark(): Mark {
    return { transferId: this.#lastTransfer, xid: this.#nextXid++ }
  }

  oldest(): bigint {
    const [first] = this.#open.keys()
    return first ?? this.#nextXid
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('begin', 'number', 'end'), pick: fc.nat(50) }),
  fc.record({ kind: fc.constantFrom('mark', 'snapshot'), pick: fc.constant(0) }),
)

test('what is settled holds no transfer of a running transaction, and never goes back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const world = new Transactions()
      let base: Checkpoint | null = null
      let mark: Mark | null = null
      for (const { kind, pick } of steps) {
        if (kind === 'begin') world.begin()
        else if (kind === 'number') world.number(pick)
        else if (kind === 'end') world.end(pick)
        else if (kind === 'mark') mark ??= world.mark()
        else if (mark !== null) {
          const quiet = world.settledAll()
          const xmin = world.oldest()
          const settled = settledTransferId({ base, mark, xmin, restoreEpoch: 0 })
          for (const id of world.unsettled()) assert.ok(id > settled)
          assert.ok(settled >= (base?.transferId ?? 0n))
          if (quiet) assert.equal(settled, mark.transferId)
          base = { transferId: settled, seen: mark, verifiedXid: xmin }
          mark = null
        }
      }
    }),
    { numRuns: 1000 },
  )
})
