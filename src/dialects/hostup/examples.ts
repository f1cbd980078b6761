/** Answers to look at, as the documentation shows them: one customer's month, in Swedish crowns. */
const VPS_ID = 'vps_01hxa3b4c5d6e7f8g9h0j1k2m3'
const INVOICE_ID = 'inv_01hxa3b4c5d6e7f8g9h0j1k2m3'
const JOB_ID = 'job_01hxa3b4c5d6e7f8g9h0j1k2m3'
const EXPIRY = '2026-04-27T00:00:00.000Z'
const NEXT_EXPIRY = '2026-05-27T00:00:00.000Z'

const OPEN = { allowed: true, reason: null, code: null }
const MISSING = {
  allowed: false,
  reason: 'This is not available yet.',
  code: 'feature_unavailable',
}

const ACTIONS = {
  canRenew: OPEN,
  canStart: MISSING,
  canShutdown: MISSING,
  canStop: MISSING,
  canRestart: MISSING,
  canReset: MISSING,
  canChangeHostname: MISSING,
  canCreateBackup: MISSING,
  canRestoreBackup: MISSING,
  canDeleteBackup: MISSING,
  canChangeBillingCycle: MISSING,
  canUpgrade: MISSING,
}

const BILLING = {
  amount: 99,
  currencyCode: 'SEK',
  billingCycle: 'monthly',
  isPayg: false,
  periodYears: null,
}
const RESOURCES = { cpuCores: 2, memoryGb: 2, storageGb: 40 }
const BANDWIDTH = {
  usedGb: 41.5,
  limitGb: 2000,
  inboundGb: 12.25,
  outboundGb: 29.25,
  usagePercent: 2.08,
}

export const VPS_EXAMPLE = {
  id: VPS_ID,
  name: 'web-1.shop.example',
  primaryIp: '192.0.2.10',
  serviceStatus: 'active',
  powerState: 'running',
  operatingSystem: {
    displayName: 'Ubuntu 24.04',
    family: 'ubuntu',
    version: '24.04',
    variant: null,
  },
  billing: BILLING,
  resources: RESOURCES,
  bandwidth: BANDWIDTH,
  actions: ACTIONS,
}

export const DETAILS_EXAMPLE = {
  id: VPS_ID,
  productName: 'Cloud VPS 2 GB',
  hostname: 'web-1.shop.example',
  serviceStatus: 'active',
  createdAt: '2026-01-27T09:30:00.000Z',
  nextDueAt: EXPIRY,
  billing: BILLING,
  ...RESOURCES,
  backupsIncluded: 0,
  bandwidth: BANDWIDTH,
  ipAddresses: [
    {
      address: '192.0.2.10',
      version: 4,
      gateway: '192.0.2.1',
      prefix: 24,
      isPrimary: true,
      reverseDns: 'web-1.shop.example',
    },
  ],
  sshKeys: [],
  actions: ACTIONS,
}

export const STATUS_EXAMPLE = {
  id: VPS_ID,
  powerState: 'running',
  uptimeSeconds: 864000,
  cpuUsagePercent: 12.5,
  cpuCores: 2,
  memory: { usedGb: 0.75, totalGb: 2, usagePercent: 37.5 },
  storage: { usedGb: 8, totalGb: 40, usagePercent: 20 },
  network: { inboundGb: 12.25, outboundGb: 29.25, totalGb: 41.5 },
  pendingTasks: [],
}

const UNPAID = {
  id: INVOICE_ID,
  number: '10001',
  amount: 99,
  currencyCode: 'SEK',
  dueAt: EXPIRY,
  status: 'unpaid',
  paymentUrl: '/billing?invoice=10001',
}

/** As the source page shows it, with the due date at the present expiry. */
export const RENEWAL_EXAMPLE = {
  vpsId: VPS_ID,
  renewalScheduled: true,
  newExpiresAt: NEXT_EXPIRY,
  billing: { amount: 99, currencyCode: 'SEK' },
  renewalInvoice: UNPAID,
}

const TAX = { netAmount: 79.2, taxAmount: 19.8, taxPercent: 25 }

export const INVOICE_EXAMPLE = {
  ...UNPAID,
  ...TAX,
  createdAt: '2026-04-20T00:00:00.000Z',
  paidAt: null,
  actions: { canPay: OPEN },
}

export const PAID_EXAMPLE = {
  id: INVOICE_ID,
  number: '1000000001',
  amount: 99,
  currencyCode: 'SEK',
  dueAt: EXPIRY,
  status: 'paid',
  paymentUrl: null,
  ...TAX,
  createdAt: '2026-04-20T00:00:00.000Z',
  paidAt: '2026-04-21T08:15:00.000Z',
  items: [
    {
      description: 'Renewal: Cloud VPS 2 GB - web-1.shop.example [192.0.2.10]',
      periodStart: EXPIRY,
      periodEnd: NEXT_EXPIRY,
      billingCycle: 'monthly',
      amount: 99,
    },
  ],
  actions: {
    canPay: { allowed: false, reason: 'This has been paid already.', code: 'invalid_state' },
  },
}

export const ACTIVITY_EXAMPLE = {
  kind: 'transaction',
  entries: [
    {
      id: 'txn_01hxa3b4c5d6e7f8g9h0j1k2m3',
      description: 'Renewal: Cloud VPS 2 GB - web-1.shop.example [192.0.2.10]',
      method: 'wallet',
      methodLabel: 'Wallet',
      amount: -99,
      currencyCode: 'SEK',
      createdAt: '2026-04-21T08:15:00.000Z',
      invoiceId: INVOICE_ID,
      invoiceNumber: '1000000001',
    },
  ],
  hasMore: false,
  nextCursor: null,
}

const OPERATION = { jobId: JOB_ID, pollUrl: `/api/jobs/${JOB_ID}` }

export const STARTED_EXAMPLE = {
  operation: { status: 'in_progress', ...OPERATION, result: null },
}

export const JOB_EXAMPLE = {
  operation: { status: 'completed', ...OPERATION, result: PAID_EXAMPLE, problem: null },
}

export const PRODUCT_EXAMPLE = {
  id: 'vpsprod_01hxa3b4c5d6e7f8g9h0j1k2m3',
  slug: 'cloud-vps-2gb',
  tier: null,
  name: 'Cloud VPS 2 GB',
  resources: RESOURCES,
  bandwidth: { limitGb: 2000 },
  billing: { amount: 99, currencyCode: 'SEK', billingCycle: 'monthly' },
  billingCycles: [
    { billingCycle: 'monthly', months: 1, amount: 99 },
    { billingCycle: 'annually', months: 12, amount: 990 },
  ],
  available: true,
}
