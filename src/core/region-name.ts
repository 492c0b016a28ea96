/** A Region of any partition, such as eu-central-1, us-gov-west-1 or eusc-de-east-1. */
export const regionName = /^[a-z]{2,5}(-[a-z]+)+-\d{1,2}$/;
