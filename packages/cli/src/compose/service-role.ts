/** Which half of the service a process is. */
export const ROLES = ['all', 'web', 'worker'] as const;
export type ServiceRole = (typeof ROLES)[number];
