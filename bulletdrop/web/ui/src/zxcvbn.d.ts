// What we use of zxcvbn, which brings no types.
declare module "zxcvbn" {
  export default function zxcvbn(password: string, known?: string[]): { score: 0 | 1 | 2 | 3 | 4 };
}
