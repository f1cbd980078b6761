/** What belongs to this API and is not there yet: answered so, not as an error of the caller's. */
export const LATER_QUERIES: ReadonlySet<string> = new Set([
  'snapshot_list',
  'snapshot_create',
  'snapshot_restore',
  'snapshot_delete',
  'vnc_info',
  'power_on',
  'power_off',
  'shutdown',
  'reboot',
  'change_hostname',
  'change_password',
  'reinstall',
])
