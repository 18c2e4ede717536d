/** The names of the error codes that a filter, a policy or a role can raise. */
const NAMES: Record<string, string> = {
  "22001": "string_data_right_truncation",
  "22003": "numeric_value_out_of_range",
  "22007": "invalid_datetime_format",
  "22008": "datetime_field_overflow",
  "22012": "division_by_zero",
  "22021": "character_not_in_repertoire",
  "22023": "invalid_parameter_value",
  "2201B": "invalid_regular_expression",
  "22025": "invalid_escape_sequence",
  "22P02": "invalid_text_representation",
  "22P03": "invalid_binary_representation",
  "22P05": "untranslatable_character",
  "23514": "check_violation",
  "42501": "insufficient_privilege",
  "42601": "syntax_error",
  "42602": "invalid_name",
  "42703": "undefined_column",
  "42704": "undefined_object",
  "42804": "datatype_mismatch",
  "42846": "cannot_coerce",
  "42883": "undefined_function",
  "42P01": "undefined_table",
  "42P17": "invalid_object_definition",
  "54001": "statement_too_complex",
  "57014": "query_canceled",
  "P0001": "raise_exception",
};

/** An error of the database as the original's driver prints it. */
export function failure(error: { code: string; message: string; detail?: string }): string {
  const { code, message, detail } = error;
  return `ERROR ${code} (${NAMES[code] ?? code}) ${message}${detail ? `\n\n${detail}` : ""}`;
}
