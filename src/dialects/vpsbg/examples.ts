/** What answers look like. The order is the source page's own, with amounts that add up. */

export const INVOICE_EXAMPLE = {
  id: 8736,
  invoice_number: '0000007801',
  created_at: '2025-02-09T22:00:00.000000Z',
  amount: 180,
  amount_with_vat: 216,
  type: 'proform',
  order_ids: [7801],
}

export const ORDER_EXAMPLE = {
  id: 7801,
  tax_rate: 1.2,
  amount: 180,
  amount_with_vat: 216,
  amount_from_balance: 0,
  payment_method: 'balance',
  status: 'awaiting_payment',
  type: 'renew-service',
  auto_pay: true,
  promo_applicable: true,
  created_at: '2025-02-10T16:05:29.000000Z',
  due_at: '2025-06-19T21:00:00.000000Z',
  payment_date: null,
  invoices: [INVOICE_EXAMPLE],
  promo: null,
  payment_information: null,
  services: [
    {
      label: 'Renewal: Cloud VPS 2 GB - ubuntu-2gb [87.121.52.159]',
      sublabel: '87.121.52.159',
      period_from: 1750366800,
      period_to: 1758315600,
      is_period_changeable: true,
      service_id: 2904,
      service_billing_cycle: 3,
      service_minimum_billing_cycle: 1,
      service_type: 'server',
      amount: 75,
      amount_with_vat: 90,
      amount_sublabel: '',
      promo: null,
    },
    {
      label: 'cPanel & WHM license - up to 30 accounts',
      sublabel: null,
      period_from: 1750366800,
      period_to: 1758315600,
      is_period_changeable: false,
      service_id: 1,
      service_billing_cycle: null,
      service_minimum_billing_cycle: null,
      service_type: 'server-addon',
      amount: 105,
      amount_with_vat: 126,
      amount_sublabel: '',
      promo: null,
    },
  ],
}

/** The same once it is paid. */
export const PAID_ORDER_EXAMPLE = {
  ...ORDER_EXAMPLE,
  amount_from_balance: 216,
  status: 'paid',
  promo_applicable: false,
  payment_date: '2025-02-11T08:15:00.000000Z',
  invoices: [{ ...INVOICE_EXAMPLE, invoice_number: '1000000001', type: 'original' }],
  services: ORDER_EXAMPLE.services.map((line) => ({ ...line, is_period_changeable: false })),
}

export const PLAN_EXAMPLE = {
  id: 1,
  type: 'vps',
  key: 'cloud-vps-2gb',
  name: 'Cloud VPS 2 GB',
  vcpus: 1,
  memory: 2048,
  disk: 40,
  bandwidth: 2000,
  minimum_billing_cycle: 1,
  available: true,
  price: 75,
  price_with_vat: 90,
}

export const SERVER_EXAMPLE = {
  id: 3321,
  hostname: 'ubuntu-2gb',
  billing_cycle: 3,
  plan: PLAN_EXAMPLE,
  status: 'active',
  virtualization: 'kvm',
  promo_code: null,
  locked: false,
  locked_at: null,
  created_at: '2025-02-10T16:05:29.000000Z',
  expiry_at: '2025-06-19T21:00:00.000000Z',
  auto_renew: true,
  server_image: {
    id: null,
    name: 'Ubuntu 24.04',
    group: { name: 'Ubuntu', type: 'os', key: 'ubuntu' },
  },
  ip_addresses: [
    {
      id: 1,
      ip_address: '87.121.52.159',
      gateway: '87.121.52.1',
      mask: '255.255.255.0',
      version: 4,
      type: 'public',
      main: true,
      ddos_protected: false,
      ptr: null,
    },
  ],
  addons: [{ name: 'cPanel & WHM license - up to 30 accounts', quantity: 1 }],
}

export const STATUS_EXAMPLE = {
  running: true,
  suspended: false,
  network_suspended: false,
  rescue_mode: false,
  dns_resolvers: [],
  cpu: { used: 12.5, free: 87.5 },
  disk: { used: 11.2, limit: 40 },
  bandwidth: { used: 310.75, limit: 2000 },
}

export const QUOTE_EXAMPLE = {
  amount: 172.5,
  amount_with_vat: 207,
  discount: 7.5,
  discount_with_vat: 9,
  promo_code: {
    code: 'SPRING',
    percentage: 10,
    minimum_billing_cycle: 3,
    due_today_amount: 172.5,
    due_today_amount_with_vat: 207,
    promo_amount: 7.5,
  },
}

export const BALANCE_EXAMPLE = {
  balance: 100.84,
  balance_limit: 0,
  estimated_expenses: 216,
  shortfall: 115.16,
  currency: 'EUR',
  has_valid_card: false,
  last_deposit: {
    amount: 100,
    amount_with_vat: 100,
    payment_method: 'bank',
    payment_date: '2025-02-10T16:05:29.000000Z',
  },
  unconfirmed_bitcoin_deposits: [],
}

export const TRANSACTION_EXAMPLE = {
  id: 512,
  type: 'renewal',
  amount: -216,
  balance_after: 84,
  currency: 'EUR',
  description: 'Renewal: Cloud VPS 2 GB - ubuntu-2gb [87.121.52.159] and 1 more',
  order_id: 7801,
  created_at: '2025-02-10T16:05:29.000000Z',
}
