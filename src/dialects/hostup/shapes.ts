import { Type } from 'typebox'
import { nullable, oneOf, PROBLEM_KIND } from '../../http/rest/shapes.ts'
import type { JsonNumber } from '../../lib/json-number.ts'
import {
  ACTIVITY_EXAMPLE,
  DETAILS_EXAMPLE,
  INVOICE_EXAMPLE,
  JOB_EXAMPLE,
  PAID_EXAMPLE,
  PRODUCT_EXAMPLE,
  RENEWAL_EXAMPLE,
  STARTED_EXAMPLE,
  STATUS_EXAMPLE,
  VPS_EXAMPLE,
} from './examples.ts'
import { BILLING_CYCLES } from './values.ts'

/** What this API answers, in the order in which its pages write it. */
const Money = Type.Unsafe<JsonNumber>({
  type: 'number',
  description: 'Gross, exact: 99, 99.5, 0.043605',
  examples: [99],
})
const Currency = Type.String({ description: 'ISO 4217', examples: ['SEK'] })
const Instant = Type.String({ format: 'date-time', examples: ['2026-05-27T00:00:00.000Z'] })
const Measure = nullable(Type.Number({ minimum: 0 }))
const VpsId = Type.String({ examples: ['vps_01hxa3b4c5d6e7f8g9h0j1k2m3'] })
const InvoiceId = Type.String({ examples: ['inv_01hxa3b4c5d6e7f8g9h0j1k2m3'] })
const Cycle = nullable(oneOf(BILLING_CYCLES))

/** Every state that the source page names; those of Purser are the first three. */
const INVOICE_STATUSES = [
  'unpaid',
  'paid',
  'cancelled',
  'refunded',
  'collections',
  'unknown',
] as const
export const SHOWN_STATUSES = ['unpaid', 'paid', 'cancelled'] as const

const INVOICE_HEAD = {
  id: InvoiceId,
  number: nullable(Type.String({ examples: ['10001'] })),
  amount: Money,
  currencyCode: Currency,
  dueAt: nullable(Instant),
  status: oneOf(INVOICE_STATUSES),
  paymentUrl: nullable(
    Type.String({
      description: 'The page where it is paid; null where nothing is to be paid',
      examples: ['/billing?invoice=10001'],
    }),
  ),
}

export const RenewalInvoiceShape = Type.Object(INVOICE_HEAD)

export const RenewalShape = Type.Object(
  {
    vpsId: VpsId,
    renewalScheduled: Type.Boolean(),
    newExpiresAt: nullable(
      Type.String({
        format: 'date-time',
        description: 'The expiry once the invoice is paid',
        examples: ['2026-05-27T00:00:00.000Z'],
      }),
    ),
    billing: Type.Object({ amount: nullable(Money), currencyCode: Currency }),
    renewalInvoice: nullable(RenewalInvoiceShape),
    invoiceLookupPending: Type.Optional(
      Type.Boolean({ description: 'Sent while the invoice has no number yet' }),
    ),
  },
  {
    examples: [RENEWAL_EXAMPLE],
  },
)

const Gate = Type.Object({
  allowed: Type.Boolean(),
  reason: nullable(Type.String({ description: 'Why not, for people' })),
  code: nullable(Type.String({ description: 'Why not, for programs: the code of the refusal' })),
})

/** What can be done with a server: those that this version does not have are never allowed. */
export const VPS_ACTIONS = [
  'canRenew',
  'canStart',
  'canShutdown',
  'canStop',
  'canRestart',
  'canReset',
  'canChangeHostname',
  'canCreateBackup',
  'canRestoreBackup',
  'canDeleteBackup',
  'canChangeBillingCycle',
  'canUpgrade',
] as const

const VpsActions = Type.Object(
  Object.fromEntries(VPS_ACTIONS.map((name) => [name, Gate])) as Record<
    (typeof VPS_ACTIONS)[number],
    typeof Gate
  >,
)

const ServiceStatus = oneOf([
  'active',
  'suspended',
  'terminated',
  'pending',
  'cancelled',
  'expired',
  'fraud',
  'unknown',
] as const)
const PowerState = nullable(
  oneOf([
    'running',
    'stopped',
    'starting',
    'stopping',
    'paused',
    'provisioning',
    'error',
    'unknown',
  ] as const),
)

const VpsBilling = Type.Object({
  amount: nullable(
    Type.Unsafe<JsonNumber>({
      type: 'number',
      description: 'What the next period costs with its addons; null: not sold so',
      examples: [99],
    }),
  ),
  currencyCode: Currency,
  billingCycle: Cycle,
  isPayg: Type.Boolean(),
  periodYears: nullable(Type.Integer({ description: 'Of periods of whole years' })),
})

const Bandwidth = Type.Object({
  usedGb: Measure,
  limitGb: nullable(Type.Number({ description: 'A calendar month; null: not limited' })),
  inboundGb: Measure,
  outboundGb: Measure,
  usagePercent: Measure,
})

export const VpsShape = Type.Object(
  {
    id: VpsId,
    name: Type.String({ examples: ['web-1.example'] }),
    primaryIp: nullable(Type.String({ examples: ['192.0.2.10'] })),
    serviceStatus: ServiceStatus,
    powerState: PowerState,
    operatingSystem: Type.Object({
      displayName: Type.String({ examples: ['Ubuntu 24.04'] }),
      family: Type.String({ examples: ['ubuntu'] }),
      version: Type.String({ examples: ['24.04'] }),
      variant: nullable(Type.String()),
    }),
    billing: VpsBilling,
    resources: Type.Object({
      cpuCores: Type.Integer(),
      memoryGb: Type.Number(),
      storageGb: Type.Integer(),
    }),
    bandwidth: Bandwidth,
    actions: VpsActions,
  },
  { examples: [VPS_EXAMPLE] },
)

export const VpsDetailsShape = Type.Object(
  {
    id: VpsId,
    productName: Type.String({ examples: ['Cloud VPS 2 GB'] }),
    hostname: Type.String({ examples: ['web-1.example'] }),
    serviceStatus: ServiceStatus,
    createdAt: Instant,
    nextDueAt: nullable(Instant),
    billing: VpsBilling,
    cpuCores: Type.Integer(),
    memoryGb: Type.Number(),
    storageGb: Type.Integer(),
    backupsIncluded: Type.Integer(),
    bandwidth: Bandwidth,
    ipAddresses: Type.Array(
      Type.Object({
        address: Type.String({ examples: ['192.0.2.10'] }),
        version: Type.Integer({ enum: [4, 6] }),
        gateway: Type.String({ examples: ['192.0.2.1'] }),
        prefix: Type.Integer(),
        isPrimary: Type.Boolean(),
        reverseDns: nullable(Type.String()),
      }),
    ),
    sshKeys: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
    actions: VpsActions,
  },
  { examples: [DETAILS_EXAMPLE] },
)

const Usage = Type.Object({ usedGb: Measure, totalGb: Type.Number(), usagePercent: Measure })

export const VpsStatusShape = Type.Object(
  {
    id: VpsId,
    powerState: PowerState,
    uptimeSeconds: nullable(Type.Integer({ minimum: 0 })),
    cpuUsagePercent: Measure,
    cpuCores: Type.Integer(),
    memory: Usage,
    storage: Usage,
    network: Type.Object({ inboundGb: Measure, outboundGb: Measure, totalGb: Measure }),
    pendingTasks: Type.Array(Type.Object({ id: Type.String(), type: Type.String() })),
  },
  { examples: [STATUS_EXAMPLE] },
)

const INVOICE_FIELDS = {
  ...INVOICE_HEAD,
  netAmount: Type.Unsafe<JsonNumber>({ type: 'number', description: 'Without tax' }),
  taxAmount: Type.Unsafe<JsonNumber>({ type: 'number' }),
  taxPercent: Type.Unsafe<JsonNumber>({ type: 'number', examples: [25] }),
  createdAt: Instant,
  paidAt: nullable(Instant),
}
const InvoiceActions = Type.Object({ canPay: Gate })

export const InvoiceShape = Type.Object(
  { ...INVOICE_FIELDS, actions: InvoiceActions },
  { examples: [INVOICE_EXAMPLE] },
)

export const InvoiceWithItemsShape = Type.Object(
  {
    ...INVOICE_FIELDS,
    items: Type.Array(
      Type.Object({
        description: Type.String(),
        periodStart: Instant,
        periodEnd: Instant,
        billingCycle: Cycle,
        amount: Money,
      }),
    ),
    actions: InvoiceActions,
  },
  { examples: [PAID_EXAMPLE] },
)

export const ActivityShape = Type.Object(
  {
    kind: oneOf(['transaction', 'credit'] as const),
    entries: Type.Array(
      Type.Object({
        id: Type.String({ examples: ['txn_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
        description: Type.String(),
        method: oneOf(['wallet', 'credit', 'card'] as const),
        methodLabel: Type.String({ examples: ['Wallet'] }),
        amount: Type.Unsafe<JsonNumber>({
          type: 'number',
          description: 'What it adds to the wallet; a minus takes',
          examples: [-99],
        }),
        currencyCode: Currency,
        createdAt: Instant,
        invoiceId: nullable(InvoiceId),
        invoiceNumber: nullable(Type.String()),
      }),
    ),
    hasMore: Type.Boolean(),
    nextCursor: nullable(Type.String()),
  },
  { examples: [ACTIVITY_EXAMPLE] },
)

const OPERATION_STATUSES = ['pending', 'queued', 'in_progress', 'completed', 'failed'] as const

const OPERATION = {
  status: oneOf(OPERATION_STATUSES),
  jobId: Type.String({ examples: ['job_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
  pollUrl: Type.String({ examples: ['/api/jobs/job_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
}

/** Slow work that goes on after its answer. */
export const StartedShape = Type.Object(
  {
    operation: Type.Object({ ...OPERATION, result: Type.Null() }),
  },
  { examples: [STARTED_EXAMPLE] },
)

export const JobShape = Type.Object(
  {
    operation: Type.Object({
      ...OPERATION,
      result: nullable(InvoiceWithItemsShape),
      problem: nullable(Type.Object(PROBLEM_KIND)),
    }),
  },
  { examples: [JOB_EXAMPLE] },
)

export const ProductShape = Type.Object(
  {
    id: Type.String({ examples: ['vpsprod_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
    slug: Type.String({ examples: ['cloud-vps-2gb'] }),
    tier: nullable(Type.String()),
    name: Type.String({ examples: ['Cloud VPS 2 GB'] }),
    resources: Type.Object({
      cpuCores: Type.Integer(),
      memoryGb: Type.Number(),
      storageGb: Type.Integer(),
    }),
    bandwidth: Type.Object({
      limitGb: nullable(Type.Number({ description: 'A calendar month; null: not limited' })),
    }),
    billing: Type.Object({ amount: Money, currencyCode: Currency, billingCycle: Cycle }),
    billingCycles: Type.Array(
      Type.Object({ billingCycle: Cycle, months: Type.Integer(), amount: Money }),
    ),
    available: Type.Boolean(),
  },
  { examples: [PRODUCT_EXAMPLE] },
)
