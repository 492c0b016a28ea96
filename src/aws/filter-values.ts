/** EC2 takes at most this many values in one filter. */
export const maxFilterValues = 200;
