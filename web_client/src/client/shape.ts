/** Shapes of JSON values, and whether a value has one. Fields that a shape does not name are ignored: the server may be newer. */

export type Shape =
  | "string"
  | "int"
  | "number"
  | "bool"
  | { readonly null: Shape }
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly one: readonly string[] }
  | { readonly is: string };

/** By field; a name that ends with `?` may be left out. */
export type Fields = Readonly<Record<string, Shape>>;

/** `struct` decides about `{is: name}`. */
export function fits(value: unknown, shape: Shape, struct: (name: string, value: unknown) => boolean): boolean {
  if (typeof shape === "string") return SCALARS[shape](value);
  if ("null" in shape) return value === null || fits(value, shape.null, struct);
  if ("list" in shape) return Array.isArray(value) && value.every((item) => fits(item, shape.list, struct));
  if ("map" in shape) return isRecord(value) && Object.values(value).every((item) => fits(item, shape.map, struct));
  if ("one" in shape) return shape.one.includes(value as string);
  return struct(shape.is, value);
}

export function hasFields(value: Record<string, unknown>, fields: Fields, struct: (name: string, value: unknown) => boolean): boolean {
  return Object.entries(fields).every(([name, shape]) => {
    const optional = name.endsWith("?");
    const field = value[optional ? name.slice(0, -1) : name];
    return (optional && field === undefined) || fits(field, shape, struct);
  });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const SCALARS: Record<Extract<Shape, string>, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  int: (value) => Number.isSafeInteger(value),
  number: (value) => Number.isFinite(value),
  bool: (value) => typeof value === "boolean",
};
