/** An action that is refused. */
export interface DenyRule {
  /** `ec2:DeleteSnapshot`; `*` and `?` are wildcards. */
  action: string;
  /** ARN of who is refused, with wildcards; absent: everybody. */
  principal?: string;
  /** Only when called as an action of its own, not as part of a creating call (as a policy with ec2:CreateAction does for ec2:CreateTags). */
  standalone?: boolean;
}

/**
 * The identity policies of somebody, who then may do what they allow and nothing else. Who has none may do all.
 * Simulated are the condition keys of `simulatedKeys`; with another one an allow is void and a deny stands.
 */
export interface IdentityPolicies {
  /** ARN of whose they are, with wildcards: `*:assumed-role/ec2-backup/*`. */
  principal: string;
  /** Policy documents, as JSON. */
  documents: string[];
}
