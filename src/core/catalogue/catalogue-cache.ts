import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { EpochWatch } from '../epoch-watch.ts'
import { translateOutage } from '../execute.ts'
import { isCounted, type ServiceType } from './service-type.ts'

/** A service as an order sees it. */
export interface CatalogueService {
  readonly id: bigint
  readonly name: string
  readonly description: string
  readonly category: string
  readonly type: ServiceType
  readonly minQuantity: bigint
  readonly maxQuantity: bigint
  readonly packageQuantity: bigint | null
  readonly canRefill: boolean
  readonly canCancel: boolean
  readonly canDripfeed: boolean
  /** Quantities are multiples of it. */
  readonly quantityStep: bigint
  /** RE2, which must be found in the link; null: any link. */
  readonly linkPattern: string | null
  readonly oneActivePerLink: boolean
  readonly confirmFirst: boolean
  /** How long its orders take on average; null until some have ended. */
  readonly averageSeconds: number | null
  /** Who is asked first to deliver it. */
  readonly provider: string
  /** Micros for 1000, by currency. Not sold in a currency that is missing. */
  readonly rates: ReadonlyMap<string, bigint>
  /** The least that an order costs, in micros, by currency, where there is a least; null: none. */
  readonly minCharges: ReadonlyMap<string, bigint> | null
}

/** The active services at one epoch, in the order in which they are listed. */
export interface Catalogue {
  readonly epoch: bigint
  readonly services: readonly CatalogueService[]
  readonly byId: ReadonlyMap<bigint, CatalogueService>
  /** Ledger accounts that revenue goes to, by currency. */
  readonly revenueIds: ReadonlyMap<string, bigint>
  /** Room for what a dialect renders of it; it goes when the epoch moves. */
  readonly rendered: Map<string, Buffer>
}

/** The catalogue, read again when its epoch has moved. */
export class CatalogueCache {
  readonly #db: Db
  readonly #watch: EpochWatch
  #catalogue: Catalogue | undefined
  #loading: Promise<Catalogue> | undefined

  constructor(db: Db, watch: EpochWatch) {
    this.#db = db
    this.#watch = watch
  }

  /** Refuses `unavailable` where it has moved and the database is away. */
  async current(): Promise<Catalogue> {
    return this.remembered() ?? (await this.again())
  }

  /** The catalogue, if it is known to be current without asking the database. */
  remembered(): Catalogue | undefined {
    const epochs = this.#watch.fresh()
    return epochs !== undefined && this.#catalogue?.epoch === epochs.catalogue
      ? this.#catalogue
      : undefined
  }

  /** The catalogue as it stands now, asked of the database: never older than the question. */
  async again(): Promise<Catalogue> {
    const { catalogue: epoch } = await this.#watch.refresh()
    for (;;) {
      const known = this.#catalogue
      if (known !== undefined && known.epoch >= epoch) return known
      this.#loading ??= this.#load().finally(() => {
        this.#loading = undefined
      })
      // One that was already being loaded may have been read before the epoch moved.
      await this.#loading
    }
  }

  async #load(): Promise<Catalogue> {
    const { rows } = await translateOutage(() =>
      sql<CatalogueRow>`
        select e.value as epoch, services.list as services, revenue.ids as revenue
        from epoch e,
        lateral (
          select coalesce(json_agg(json_build_object(
            'id', s.id::text, 'name', s.name, 'description', s.description, 'category', c.name,
            'type', s.type, 'min', s.min_quantity::text, 'max', s.max_quantity::text,
            'package', s.package_quantity::text, 'refill', s.can_refill, 'cancel', s.can_cancel,
            'dripfeed', s.can_dripfeed, 'provider', s.provider, 'step', s.quantity_step::text,
            'pattern', s.link_pattern, 'exclusive', s.one_active_per_link,
            'confirm', s.confirm_first, 'seconds', (
              select t.average_seconds from service_pace t where t.service_id = s.id),
            'rates', (select coalesce(json_object_agg(p.currency, p.rate::text), '{}')
              from service_price p where p.service_id = s.id),
            'mins', (select json_object_agg(p.currency, p.min_charge::text)
              from service_price p where p.service_id = s.id and p.min_charge > 0)
          ) order by c.position, c.id, s.position, s.id), '[]') as list
          from service s join service_category c on c.id = s.category_id
          where s.state = 'active'
        ) services,
        lateral (
          select coalesce(json_object_agg(a.currency, a.id::text), '{}') as ids
          from ledger_account a where a.kind = 'revenue' and a.account_id is null
        ) revenue
        where e.name = 'catalogue'`.execute(this.#db),
    )
    const row = rows[0]
    if (!row) throw new Error('the catalogue epoch is missing')
    const services = row.services.map(toService)
    this.#catalogue = {
      epoch: row.epoch,
      services,
      byId: new Map(services.map((service) => [service.id, service])),
      revenueIds: new Map(Object.entries(row.revenue).map(([c, id]) => [c, BigInt(id)])),
      rendered: new Map(),
    }
    return this.#catalogue
  }
}

interface ServiceJson {
  id: string
  name: string
  description: string
  category: string
  type: ServiceType
  min: string
  max: string
  package: string | null
  refill: boolean
  cancel: boolean
  dripfeed: boolean
  provider: string
  step: string
  pattern: string | null
  exclusive: boolean
  confirm: boolean
  seconds: number | null
  rates: Record<string, string>
  mins: Record<string, string> | null
}

interface CatalogueRow {
  epoch: bigint
  services: ServiceJson[]
  revenue: Record<string, string>
}

function toService(json: ServiceJson): CatalogueService {
  return {
    id: BigInt(json.id),
    name: json.name,
    description: json.description,
    category: json.category,
    type: json.type,
    minQuantity: BigInt(json.min),
    maxQuantity: BigInt(json.max),
    packageQuantity: json.package === null ? null : BigInt(json.package),
    canRefill: json.refill,
    canCancel: json.cancel,
    // The others have no quantity that could be delivered again and again.
    canDripfeed: json.dripfeed && isCounted(json.type),
    provider: json.provider,
    quantityStep: BigInt(json.step),
    linkPattern: json.pattern,
    oneActivePerLink: json.exclusive,
    confirmFirst: json.confirm,
    averageSeconds: json.seconds,
    rates: toAmounts(json.rates),
    minCharges: json.mins === null ? null : toAmounts(json.mins),
  }
}

function toAmounts(texts: Readonly<Record<string, string>>): ReadonlyMap<string, bigint> {
  return new Map(Object.entries(texts).map(([currency, text]) => [currency, BigInt(text)]))
}
