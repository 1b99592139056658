/** How soon somebody has to look: now, today, or when there is time. */
export type Severity = 'critical' | 'warning' | 'info';

/** What is known of an event, whatever happened. */
export interface EventDescription {
  readonly severity: Severity;
  /** What it means. One sentence. */
  readonly meaning: string;
  /** Who should do what about it. */
  readonly action: string;
  /** Whether its end is told as well. */
  readonly ends: boolean;
}

/**
 * The facts of each event. Points in time are ISO 8601, durations and intervals are
 * named with their unit. Never a secret, a token or an assertion: they leave the house.
 */
export interface EventFacts {
  'sweep.held': {
    /** The run, and the digest that an approval names. */
    readonly run: string;
    readonly plan: string;
    /** How many people wait, and of how many. */
    readonly waiting: number;
    readonly of: number;
    /** The limits that were passed, one sentence each. */
    readonly why: readonly string[];
    readonly expires_at?: string;
  };
  'sweep.escalated': {
    readonly run: string;
    readonly plan: string;
    readonly waiting: number;
    readonly held_for_hours: number;
    readonly expires_at?: string;
  };
  'sweep.failed': {
    /** The last run that failed, and why. */
    readonly run: string;
    readonly code: string;
    readonly failures: number;
    readonly since: string;
  };
  'sweep.stale': {
    /** Null where no sweep has ever succeeded. */
    readonly last_success_at: string | null;
    readonly every_seconds: number;
    readonly missed_intervals: number;
  };
  'directory.failing': {
    readonly run: string;
    readonly code: string;
    readonly failures: number;
    readonly since: string;
  };
  'certificate.expiring': {
    readonly whose: 'identity_provider' | 'ours';
    readonly use: 'signing' | 'decryption';
    /** SHA-256 of the certificate. */
    readonly fingerprint: string;
    readonly expires_at: string;
    /** Below 0 where it has ended. */
    readonly days_left: number;
    /** The connections that depend on it. */
    readonly connections: readonly string[];
  };
  'sign_in.refusals_spike': {
    /** On this day (UTC), so far. */
    readonly refused: number;
    /** What a day usually has. */
    readonly usual: number;
    readonly day: string;
    /** The commonest codes with their counts. */
    readonly codes: readonly string[];
  };
  'users.spike': {
    /** In the hour from then on. */
    readonly created: number;
    /** What the busiest hour of a day usually has. */
    readonly usual: number;
    readonly from: string;
  };
  'scim.failing': {
    readonly code: string;
    readonly failures: number;
    readonly since: string;
  };
  'scim.refusals_spike': {
    /** In the hour from then on, and what the busiest hour of a day usually has. */
    readonly refused: number;
    readonly usual: number;
    readonly from: string;
    /** The commonest codes with their counts. */
    readonly codes: readonly string[];
  };
  'scim.leavers_spike': {
    /** In the hour from then on, and what the busiest hour of a day usually has. */
    readonly ended: number;
    readonly usual: number;
    readonly from: string;
  };
  'scim.token_expiring': {
    /** Its name. */
    readonly token: string;
    readonly expires_at: string;
    /** Below 0 where it has ended. */
    readonly days_left: number;
  };
  'last_admin.protected': {
    /** The id of the user who kept access, and the roles that nobody else could hold. */
    readonly user: string;
    readonly roles: readonly string[];
    /** Who or what would have taken it. */
    readonly kept_from: string;
  };
  'silence.warning': {
    readonly user: string;
    readonly last_sign_in_at: string;
    readonly silent_days: number;
    /** When access ends unless the person signs in. */
    readonly deactivates_at: string;
  };
}

/** Everything that operators are told of. */
export type NotificationEvent = keyof EventFacts;

/** What each event means, and what to do about it: the one list. */
export const EVENTS: Readonly<Record<NotificationEvent, EventDescription>> = {
  'sweep.held': {
    severity: 'critical',
    meaning: 'A sweep would take access from more people than the limits let through.',
    action:
      'Look at the plan (rollcall sweep show). Approve it if these people have left; if they have not, look at the directory.',
    ends: false,
  },
  'sweep.escalated': {
    severity: 'critical',
    meaning: 'A held plan still waits for a decision.',
    action: 'Decide it, or find whoever may: until then leavers keep what they have.',
    ends: false,
  },
  'sweep.failed': {
    severity: 'critical',
    meaning: 'Several sweeps of a connection in a row broke down, not for its directory.',
    action: 'See the code in docs/errors.md and run rollcall doctor. Nobody lost access by it.',
    ends: true,
  },
  'sweep.stale': {
    severity: 'critical',
    meaning: 'A connection has not been swept successfully for several intervals.',
    action: 'See whether a worker runs and what rollcall doctor says: leavers keep access.',
    ends: true,
  },
  'directory.failing': {
    severity: 'warning',
    meaning: 'A directory has not answered in full at several sweeps in a row.',
    action:
      'See the code in docs/errors.md and run rollcall doctor: usually a token, a permission, or an outage at the identity provider. Nobody loses access by it.',
    ends: true,
  },
  'certificate.expiring': {
    severity: 'warning',
    meaning: 'A certificate that sign-in depends on ends soon, or has ended.',
    action:
      "The identity provider's: have a new one made and published before it is used. Ours: put a new key into the configuration and give the identity provider our metadata again.",
    ends: false,
  },
  'sign_in.refusals_spike': {
    severity: 'warning',
    meaning: 'Far more sign-ins are refused than usual.',
    action:
      'See the codes (rollcall connection show): a change at the identity provider, a clock, or somebody who tries.',
    ends: true,
  },
  'users.spike': {
    severity: 'warning',
    meaning: 'Far more new people are admitted than usual.',
    action:
      'Ask whether a team was added. If nobody knows of one, see who may assign this app at the identity provider.',
    ends: true,
  },
  'scim.failing': {
    severity: 'warning',
    meaning:
      'Many requests of a SCIM client in a row were refused or failed, and none was carried out.',
    action: "See the code in docs/errors.md and the identity provider's provisioning log.",
    ends: true,
  },
  'scim.refusals_spike': {
    severity: 'warning',
    meaning:
      'Far more requests of a SCIM client are refused than usual, though others get through.',
    action:
      'See which ones (rollcall scim log --failed): usually a mapping that was changed at the identity provider.',
    ends: true,
  },
  'scim.leavers_spike': {
    severity: 'critical',
    meaning: "A SCIM client has ended far more people's access than usual.",
    action:
      'Ask whether they have left. If not, stop the client (rollcall scim token revoke), correct the assignment at the identity provider, and have it push them again.',
    ends: true,
  },
  'scim.token_expiring': {
    severity: 'warning',
    meaning: 'The token of a SCIM client ends soon, or has ended: then nobody is pushed any more.',
    action:
      'Make a successor (rollcall scim token rotate) and give it to the identity provider: the old one is good for a day more.',
    ends: false,
  },
  'last_admin.protected': {
    severity: 'critical',
    meaning: 'One of the last holders of a privileged role kept it, though it was to be taken.',
    action: 'Give the role to somebody else, or see who asked for its end, and why.',
    ends: false,
  },
  'silence.warning': {
    severity: 'info',
    meaning: 'Somebody whose directory cannot be asked has not signed in for long.',
    action: 'Nothing, if they have left. Else have them sign in before the day that is named.',
    ends: false,
  },
};

/** The names of all events, in the order of the list. */
export const EVENT_NAMES = Object.keys(EVENTS) as readonly NotificationEvent[];
