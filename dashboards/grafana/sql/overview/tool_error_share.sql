SELECT if(sum(tool_results) = 0, NULL, sum(tool_errors) / sum(tool_results)) AS tool_error_share FROM {{activity}}
