// Roles as staff know them.
import { Role } from '../gen/cnc/v1/support_pb';

export const ROLES: Record<Role, string> = {
  [Role.UNSPECIFIED]: 'unknown role',
  [Role.VIEWER]: 'viewer',
  [Role.SUPPORT]: 'support',
  [Role.ADMIN]: 'admin',
};
